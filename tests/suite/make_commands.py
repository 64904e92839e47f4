"""Formats `make` command lines that people copy and paste."""

import shlex
from collections.abc import Sequence

SPECIAL = set('"$`\\!')
"""Characters that a shell interprets even in double quotes."""


def make_command(target: str, arguments: Sequence[str], **variables: object) -> str:
    """Return a command line that passes these arguments to pytest unchanged, whatever they contain."""
    # Three programs interpret it: the shell that people paste it into, make, and the shell that make starts.
    words = "ARGS=" + shlex.join(arguments).replace("$", "$$")
    name_and_value = [f"{name}={value}" for name, value in variables.items()]
    return " ".join(["make", target, _quoted(words), *name_and_value])


def _quoted(text: str) -> str:
    name, _, value = text.partition("=")
    return shlex.quote(text) if SPECIAL & set(value) else f'{name}="{value}"'
