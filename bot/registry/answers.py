"""What an unhappy answer of a registry means for whoever asked; shared by all kinds of registries."""

import httpx

from bot.model.errors import GiveUp, RetryLater
from bot.model.reason import Reason


def accepted(response: httpx.Response, where: str) -> httpx.Response:
    """Return the answer unless it says that we may not, or that the registry is in trouble.

    Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
    """
    code = response.status_code
    if code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise denied(where, message(response))
    if response.is_server_error or code == httpx.codes.TOO_MANY_REQUESTS:
        told = f"{where}: {code} {response.reason_phrase}"
        raise RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": told}, delay=_delay(response))
    return response


def denied(where: str, told: str = "") -> GiveUp:
    """Say that the account may not do this, in the registry's own words where it has some."""
    return GiveUp(Reason.REGISTRY_DENIED, {"repository": where}, log=told)


def unreachable(host: str, error: Exception) -> RetryLater:
    """Say that no answer came."""
    told = f"{host}: {str(error) or type(error).__name__}"
    return RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": told})


def message(response: httpx.Response) -> str:
    """Return the words of an error in the format that registries share, or nothing.

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
