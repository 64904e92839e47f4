"""What `{name}` stands for in the job and the parameters of a step: a closed set, and no template language.

Braces around anything else, such as JSON, stay as they are.
"""

import re
from collections.abc import Mapping

NAMES = (
    "repository",
    "owner",
    "name",
    "number",
    "sha",
    "short_sha",
    "branch",
    "ref",
    "clone_url",
    "author",
    "run",
    "image",
    "tag",
    "digest",
    "environment",
    "host",
    "host_label",
    "service_url",
    "suites",
)

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
# How a branch becomes a job's name: NameEncoder of https://github.com/jenkinsci/branch-api-plugin
_ENCODED = re.compile(r"[#%/?\[\]\\]")
_NOWHERE = {"": "%00", ".": "%2E", "..": "%2E."}


def unknown(text: str) -> tuple[str, ...]:
    """Return the names in braces that stand for nothing."""
    return tuple(name for name in _PLACEHOLDER.findall(text) if name not in NAMES)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in place of their names; what has no value yet is empty."""
    return _PLACEHOLDER.sub(lambda found: _value(found, values), text)


def job_name(text: str, values: Mapping[str, str]) -> str:
    """Fill in a job's full name; a value stays within its part of the path, as in a multibranch project."""
    name = _PLACEHOLDER.sub(lambda found: _encoded(_value(found, values)), text)
    return "/".join(_NOWHERE.get(part, part) for part in name.split("/"))


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    return values.get(found[1], "") if found[1] in NAMES else found[0]


def _encoded(value: str) -> str:
    return _ENCODED.sub(lambda found: f"%{ord(found[0]):02X}", value)
