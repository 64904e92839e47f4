"""Reads `.env` and the files that `env_file` names, as Compose reads them."""

import re
from collections.abc import Mapping

from bot.pipeline.compose import messages
from bot.pipeline.compose.variables import Interpolation, VariableError
from bot.pipeline.yaml_tree import YamlError, mark_after

# Blanks that are taken are never given back: a long line of them would be split in every way.
_ENTRY = re.compile(
    r"""
    [^\S\n]*+
    (?:(?:export[^\S\n]++)?(?P<name>[A-Za-z_][\w.-]*+)[^\S\n]*+
        (?P<given>=[^\S\n]*+
            (?:'(?P<raw>[^']*)'|"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<plain>[^\n'"#][^\n]*)?)
        )?
    )?
    [^\S\n]*+(?:\#[^\n]*)?(?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_COMMENT = re.compile(r"\s#.*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "$": "$$"}


def read(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a file; values may contain `known` ones and those above.

    Without `=`, a variable has the value that is known. Raises YamlError with the position of what is wrong.
    """
    found = dict[str, str]()
    values = dict(known)
    interpolation = Interpolation(values, strict=False)
    at = 0
    while at < len(text):
        entry = _ENTRY.match(text, at)
        if entry is None:
            raise YamlError(mark_after(text[:at]), messages.PAIR)
        name = entry["name"]
        if name and (entry["given"] or name in known):
            try:
                found[name] = values[name] = _value(entry, interpolation) if entry["given"] else known[name]
            except VariableError as error:
                raise YamlError(mark_after(text[:at]), error.message) from error
        at = entry.end()
    return found


def _value(entry: re.Match[str], interpolation: Interpolation) -> str:
    if entry["raw"] is not None:
        return entry["raw"]
    if entry["quoted"] is not None:
        text = _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), entry["quoted"])
        return interpolation.replaced(text)
    return interpolation.replaced(_COMMENT.sub("", entry["plain"] or "").strip())
