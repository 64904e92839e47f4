"""Replaces variables in a Compose file, such as `${PORT:-8000}`, with the values of `.env`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model.text import Text
from bot.pipeline.compose import messages

LONGEST = 16 << 10
"""Characters of one value."""
MOST = 256 << 10
"""Characters of all values together."""
DEEPEST = 8

_START = re.compile(r"\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(:?[-?+])?)", re.ASCII)
_BRACE = re.compile(r"\$\$|\$\{|\}")


class VariableError(Exception):
    """A value cannot be computed."""

    def __init__(self, message: Text) -> None:
        self.message = message
        super().__init__(message.en)


@dataclass(slots=True)
class Interpolation:
    """Replaces variables, within a limit for all values together."""

    values: Mapping[str, str] = field(default_factory=dict)
    strict: bool = True
    """Whether a variable without a value is an error, and a dollar sign that begins none; otherwise the first
    is empty, and the second is itself."""
    _left: int = MOST

    def replaced(self, text: str) -> str:
        """Return a text with its variables replaced. Raises VariableError."""
        if "$" not in text:
            return text
        found = self._replaced(text, 0)
        self._left -= len(found)
        if self._left < 0:
            raise VariableError(messages.ENDLESS)
        return found

    def _replaced(self, text: str, depth: int) -> str:
        if depth > DEEPEST:
            raise VariableError(messages.NESTED)
        parts, size, at = list[str](), 0, 0
        while (start := text.find("$", at)) >= 0:
            value, end = self._variable(text, start, depth)
            parts += (text[at:start], value)
            size += start - at + len(value)
            at = end
            if size > LONGEST:
                raise VariableError(messages.ENDLESS)
        return "".join((*parts, text[at:]))

    def _variable(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """Return the value of the variable that begins here, and where it ends."""
        start = _START.match(text, at)
        if start is None:
            if self.strict:
                raise VariableError(messages.SYNTAX)
            return "$", at + 1
        escaped, plain, name, operator = start.groups()
        if name is None:
            return "$" if escaped else self._value(plain), start.end()
        end = _closing(text, start.end())
        operand = text[start.end() : end]
        if end == len(text) or (operand and not operator):
            raise VariableError(messages.SYNTAX)
        return self._chosen(name, operator or "", operand, depth), end + 1

    def _chosen(self, name: str, operator: str, operand: str, depth: int) -> str:
        """Return the value for `${NAME}` and its forms; a colon counts an empty value as missing."""
        value = self.values.get(name)
        given = bool(value) if operator.startswith(":") else value is not None
        match operator[-1:]:
            case "-":
                return value or "" if given else self._replaced(operand, depth + 1)
            case "+":
                return self._replaced(operand, depth + 1) if given else ""
            case "?" if not given:
                raise VariableError(messages.required(name, operand))
            case _:
                return self._value(name)

    def _value(self, name: str) -> str:
        value = self.values.get(name)
        if value is None and self.strict:
            raise VariableError(messages.unset(name))
        return value or ""


def _closing(text: str, at: int) -> int:
    """Return where the braces end that begin before this; the end of the text if they do not."""
    depth = 1
    for brace in _BRACE.finditer(text, at):
        depth += {"${": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return brace.start()
    return len(text)
