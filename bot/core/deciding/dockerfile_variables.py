"""The variables of a Dockerfile, as far as the file alone determines their values."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.core.deciding.dockerfile_lines import Instruction

QUOTES = str.maketrans("", "", "\"'\\`")
LONGEST = 1024
"""Characters of a value that is followed."""
_MOST = 200
"""Variables of a stage that are followed."""
_PREDEFINED = re.compile(r"(?:BUILD|TARGET)[A-Z]*|PATH")
"""Names that some version of BuildKit sets itself, before the first stage or, PATH, in an empty image."""
_RESERVED = re.compile(r"BUILDKIT_.*|SOURCE_DATE_EPOCH")
"""Names of which some version of BuildKit does not take what ARG says."""
_VARIABLE = re.compile(
    # A name goes on with letters of any script. Quotes would end it, and could hide the end of a condition.
    r"""\$(?:\{([A-Za-z_]\w*)(?::([-+])([^${}"'\\`]*))?\}|([A-Za-z_]\w*+)(?![^\x00-\x7f]))""",
    re.ASCII,
)
"""Without the colon, a condition depends on whether the variable is set, which is not followed."""
_PAIR = re.compile(r"""\s*([A-Za-z_][A-Za-z0-9_]*)(?:=("[^"\\`]*"|'[^'\\`$]*'|[^\s"'\\`]*))?(?=\s|$)""")
_OLD_PAIR = re.compile(r"""([A-Za-z_]\w*)\s+([^"'\\`]*)""", re.ASCII)


@dataclass(slots=True)
class Scope:
    """The variables before the first stage, or those of a stage."""

    closed: bool = False
    """Whether a variable that the file does not set is empty: no base image can set it."""
    certain: bool = True
    """False once an assignment could not be read."""
    triggers: bool = False
    """Whether ONBUILD sets variables of the stages that are made from this one."""
    environment: dict[str, str | None] = field(default_factory=dict)
    """What ENV has set, which the stages that are made from this one inherit."""
    values: dict[str, str | None] = field(default_factory=dict)
    """What ENV and ARG have set; None for what is not known. BuildKit takes what came last."""

    def value(self, name: str) -> str | None:
        """Return the value of a variable; None if it is not known."""
        unset = "" if self.closed and not _PREDEFINED.fullmatch(name) else None
        return self.values.get(name, unset) if self.certain else None

    def assign(self, found: Instruction, args: Mapping[str, str], outer: "Scope") -> None:
        """Take an ENV or ARG; build arguments replace defaults, and `outer` has those without one."""
        pairs = _pairs(found)
        if pairs is None or len(self.values) > _MOST:
            self.certain = False
        elif found.keyword == "ENV":
            environment = {name: expanded(value or "", self.value) for name, value in pairs.items()}
            self.environment |= environment
            self.values |= environment
        else:
            self.values |= self._arguments(pairs, args, outer)

    def child(self) -> "Scope":
        """Return the variables of a stage that is made from this one.

        There, the ENV of the base image precedes the ARG of this stage again.
        """
        values = dict.fromkeys(self.values) | self.environment
        certain = self.certain and not self.triggers
        return Scope(self.closed, certain, environment={**self.environment}, values=values)

    def _arguments(
        self, pairs: Mapping[str, str | None], args: Mapping[str, str], outer: "Scope"
    ) -> dict[str, str | None]:
        def before(name: str) -> str | None:
            # Versions differ in whether one ARG of a line sees the others.
            return None if len(pairs) > 1 and name in pairs else self.value(name)

        found: dict[str, str | None] = {}
        for name, default in pairs.items():
            if outer is not self and _RESERVED.fullmatch(name):
                found[name] = None
            elif name in args or default is not None:
                found[name] = args.get(name, expanded(default or "", before))
            elif outer is self:
                # Versions differ in whether this takes an earlier value back.
                found |= {name: None} if name in self.values or _PREDEFINED.fullmatch(name) else {}
            elif name in outer.values or _PREDEFINED.fullmatch(name):
                found[name] = outer.value(name)
        return found


def expanded(text: str, value: Callable[[str], str | None]) -> str | None:
    """Replace variables by their values, and remove quotes and escape characters.

    None if a value is unknown, or written in a way that is not read.
    """
    known = True

    def one(found: re.Match[str]) -> str:
        nonlocal known
        here = value(found[1] or found[4])
        known = known and here is not None
        if found[2] == "+":
            return found[3] if here else ""
        return here or found[3] or ""

    filled = _VARIABLE.sub(one, text).translate(QUOTES)
    return filled if known and "$" not in filled and len(filled) <= LONGEST else None


def _pairs(found: Instruction) -> dict[str, str | None] | None:
    """Return the variables that ENV or ARG assigns; None if there is anything unusual about them."""
    old = _OLD_PAIR.fullmatch(found.rest)
    if found.keyword == "ENV" and old and "=" not in found.rest:
        return {old[1]: old[2]}
    pairs: dict[str, str | None] = {}
    at = 0
    while at < len(found.rest):
        pair = _PAIR.match(found.rest, at)
        if pair is None or pair[1] in pairs or (found.keyword == "ENV" and pair[2] is None):
            return None
        at = pair.end()
        pairs[pair[1]] = pair[2] and pair[2].translate(QUOTES)
    return pairs
