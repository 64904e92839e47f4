"""Types of values that several settings share."""

import re
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, SecretStr

from bot.core import duration

T = TypeVar("T")

Secret = SecretStr
NO_SECRET = Secret("")

Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1)]
Bytes = Annotated[int, Field(ge=1024)]
WebAddress = Annotated[str, Field(pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$")]
Size = Annotated[str, Field(pattern=r"^[1-9][0-9]*[kmgKMG]?$")]
Address = Annotated[str, Field(pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)?$")]
NameServer = Annotated[
    str,
    Field(
        pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]{1,5})?|[0-9A-Fa-f:.]+|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?)$"
    ),
]
HostPattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9_*-]+(\.[A-Za-z0-9_*-]+)*\.?$")]
Pair = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9./_-]*=")]
HeaderPattern = Annotated[str, Field(pattern=r"^!?[A-Za-z0-9._*?$~-]+$")]
DurationOrNone = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,4}[smhdw])$")]
Duration = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}[smhdw]$")]


def written(pattern: str, otherwise: str) -> AfterValidator:
    """Return the check that text matches a pattern as a whole; what else is there is reported in words."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(otherwise)
        return value

    return AfterValidator(check)


def _at_least(least: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            duration.parse(value, minimum=duration.parse(least), maximum=duration.LONGEST_KEPT)
        except ValueError as error:
            raise ValueError(f"should be between {least} and {duration.LONGEST_KEPT.days}d") from error
        return value

    return AfterValidator(check)


RetentionTime = Annotated[Duration, _at_least("1h")]
AuditRetention = Annotated[Duration, _at_least("30d")]
DeliveryRetention = Annotated[Duration, _at_least("2d")]
"""The sweep recovers missed commands for up to a day; a delivery that is forgotten sooner would run again."""


def section(cls: type[T]) -> type[T]:
    """Validate a section strictly: an unknown key is an error. A key's docstring becomes its description."""
    cls.__pydantic_config__ = {"extra": "forbid", "use_attribute_docstrings": True}  # type: ignore[attr-defined] # read by pydantic
    return cls
