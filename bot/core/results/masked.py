"""Masks secrets in what is stored of a step, so that neither the store nor any page or API has them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.model.run import StepResult

Mask = Callable[[str], str]


def masked(result: StepResult, mask: Mask) -> StepResult:
    """Return a result without the secrets that its texts quote: messages, output, and names of tests."""
    return replace(
        result,
        facts=masked_facts(result.facts, mask),
        log_tail=mask(result.log_tail),
        failed_tests=tuple(map(mask, result.failed_tests)),
        failure_messages={mask(name): mask(text) for name, text in result.failure_messages.items()},
        notes=tuple(replace(note, facts=masked_facts(note.facts, mask)) for note in result.notes),
    )


def masked_facts(facts: Mapping[str, str], mask: Mask) -> dict[str, str]:
    """Return facts without the secrets that they quote."""
    return {name: mask(value) for name, value in facts.items()}
