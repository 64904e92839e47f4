"""Placeholders such as `{sha}` in the job and the parameters of a step: a fixed set, not a template language.

Other text in braces, such as JSON, is left unchanged.
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
# How the name of a branch becomes the name of a job: NameEncoder of https://github.com/jenkinsci/branch-api-plugin
_ENCODED = re.compile(r"[#%/?\[\]\\]")
_NOWHERE = {"": "%00", ".": "%2E", "..": "%2E."}


def unknown(text: str) -> tuple[str, ...]:
    """Return the names in braces that are not placeholders."""
    return tuple(name for name in _PLACEHOLDER.findall(text) if name not in NAMES)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace placeholders by their values; one without a value becomes empty."""
    return _PLACEHOLDER.sub(lambda found: _value(found, values), text)


def job_name(text: str, values: Mapping[str, str]) -> str:
    """Fill in the full name of a job; slashes in a value are encoded, as in a multibranch project."""
    name = _PLACEHOLDER.sub(lambda found: _encoded(_value(found, values)), text)
    return "/".join(_NOWHERE.get(part, part) for part in name.split("/"))


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    return values.get(found[1], "") if found[1] in NAMES else found[0]


def _encoded(value: str) -> str:
    return _ENCODED.sub(lambda found: f"%{ord(found[0]):02X}", value)
