"""The errors that failed answers of a registry become, for every kind of registry."""

import httpx

from bot.model.errors import GiveUp, RetryLater
from bot.model.reason import Reason


def accepted(response: httpx.Response, where: str) -> httpx.Response:
    """Return the answer, unless the registry denies access or is in trouble. `where` is what was asked for.

    Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
    """
    code = response.status_code
    if code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise denied(where, message(response))
    if response.is_server_error or code == httpx.codes.TOO_MANY_REQUESTS:
        facts = {"message": f"{where}: {code} {response.reason_phrase}"}
        raise RetryLater(Reason.REGISTRY_UNAVAILABLE, facts, delay=_delay(response))
    return response


def denied(where: str, message: str = "") -> GiveUp:
    """Return the error for an account without permission, with the registry's own message."""
    return GiveUp(Reason.REGISTRY_DENIED, {"repository": where}, log=message)


def unreachable(host: str, error: Exception) -> RetryLater:
    """Return the error for a request without an answer."""
    message = f"{host}: {str(error) or type(error).__name__}"
    return RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": message})


def message(response: httpx.Response) -> str:
    """Return the message of an error in the format that registries share, or nothing.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
    """
    try:
        first = response.json()["errors"][0]
        return str(first.get("message") or first.get("code") or "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""


def _delay(response: httpx.Response) -> float | None:
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else None
