"""The result of a build step with several images: one of them fails the step, all of them are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.model.reason import IMAGE_FACT
from bot.model.run import StepResult, StepState


def about(facts: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the facts of one of several images, which say its name; the only one has none."""
    return {**facts, IMAGE_FACT: name} if name else dict(facts)


def joined(results: Sequence[StepResult]) -> StepResult:
    """Return the result of a step, of those of its images; the first image is the one that the service runs.

    The first image that did not pass decides, otherwise the first one with something to say.
    """
    built = tuple(replace(one.image, beside=()) for one in results if one.image is not None)
    failed = (one for one in results if one.state is not StepState.PASSED)
    explained = (one for one in results if one.reason is not None)
    decisive = next(failed, None) or next(explained, results[0])
    return replace(decisive, image=replace(built[0], beside=built[1:]) if built else None)
