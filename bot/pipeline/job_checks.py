"""Checks of Jenkins jobs in `.chatops.yml`: names, parameters, and keys that require each other."""

import re
from collections.abc import Iterator

from bot.core.deciding import placeholders
from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.pipeline import messages
from bot.pipeline.yaml_tree import Path, Tree, section

SECTIONS = ("build", "deploy", "test", "teardown")
RESERVED = "CHATOPS_"

_MAX_JOB_LENGTH = 500
_MAX_VALUE_LENGTH = 2000
_PART = re.compile(r"(?!\.{1,2}\Z)[^/\\\x00-\x1f?#*\"<>|]{1,200}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", re.ASCII)


def job(text: str) -> Text | None:
    """Check a job's full name."""
    fine = len(text) <= _MAX_JOB_LENGTH and all(_PART.fullmatch(part) for part in text.split("/"))
    return value(text) if fine and text.strip() == text else messages.JOB


def value(text: str) -> Text | None:
    """Check the value of a parameter."""
    if len(text) > _MAX_VALUE_LENGTH:
        return messages.LONG_VALUE
    unknown = placeholders.unknown(text)
    return messages.placeholder(unknown[0], placeholders.NAMES) if unknown else None


def parameter(name: str) -> Text | None:
    """Check the name of a parameter."""
    if name.upper().startswith(RESERVED):
        return messages.RESERVED_PARAMETER
    return None if _NAME.fullmatch(name) else messages.PARAMETER


def check_combinations(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield keys that a job requires, or that it does not have."""
    merged = isinstance(tree, dict) and tree.get("ref") == "merge"
    if merged and section(tree, "build").get("runner") == RunnerName.JENKINS:
        yield ("ref",), messages.MERGE_OF_JOB
    for name in SECTIONS:
        keys = section(tree, name)
        jenkins = keys.get("runner") == RunnerName.JENKINS
        if jenkins and keys.get("job") is None:
            yield (name, "runner"), messages.JOB_MISSING
        for key in ("job", "parameters"):
            if keys.get(key) is not None and not jenkins:
                yield (name, key), messages.NOT_JENKINS
