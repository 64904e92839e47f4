"""Gives a step the secrets that it asks for, if it may have them when it starts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core.admission import secrets
from bot.model.errors import TellUser
from bot.model.plan import Step
from bot.model.reason import Reason
from bot.model.secrets import SecretRequest, SecretValue
from bot.steps.context import StepContext


async def given(step: Step, context: StepContext) -> StepContext:
    """Return the context with the values of all secrets that the step asks for.

    The decision that started the run has asked this already; an operator may have withdrawn a secret since.
    Raises TellUser for the first secret that the step may not have, and what `Secrets.read` raises.
    """
    adapters = context.adapters
    refused = secrets.refusal(step, context.run.repo, adapters.grants)
    if refused is not None:
        raise TellUser(refused.reason, refused.facts)
    found: defaultdict[str, list[SecretValue]] = defaultdict(list)
    masked = {grant.name for grant in adapters.grants if grant.has_value}
    for request in secrets.requests(step):
        if secrets.gets_value(request, step):
            found[request.part].append(_value(request, await adapters.secrets.read(request.name)))
        elif request.name in masked:
            # Its job gets it from Jenkins; what the bot has read, it masks in the job's log.
            await adapters.secrets.read(request.name)
    return replace(context, secrets=_frozen(found))


def _value(request: SecretRequest, content: bytes) -> SecretValue:
    value = SecretValue(request.name, content, request.variable)
    if value.variable and not value.fits_variable:
        raise TellUser(Reason.SECRET_NOT_TEXT, {"name": request.name})
    return value


def _frozen(found: Mapping[str, Sequence[SecretValue]]) -> dict[str, tuple[SecretValue, ...]]:
    return {part: tuple(values) for part, values in found.items()}
