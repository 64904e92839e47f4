"""What the engine itself fetches for a build, past any limit of the build's network: images and addresses."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.core.deciding.dockerfile_lines import Instruction, Reading, read, readings, upper

_SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"
_SYNTAX = re.compile(r"(?:#|//)\s*syntax\s*=\s*(\S*).*", re.ASCII | re.IGNORECASE)
_UNREADABLE = re.compile(
    # Python counts these characters as space and Go does not; the name of a here-document ends the line.
    r"""[\0\x1c-\x1f]|(?<!\S)[0-9]*<<-?(?:[^\s<]*[\\`]|\s*["'](?![A-Za-z_][\w.]*["']))"""
)
_PLATFORM = {"TARGETARCH": "amd64", "BUILDARCH": "amd64", "TARGETOS": "linux", "BUILDOS": "linux"}
_PREDEFINED = re.compile(r"(?:BUILD|TARGET)[A-Z]*|PATH")
"""Names that some version of BuildKit sets itself, before the first stage or, PATH, in an empty image."""
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::([-+])([^${}]*))?\}|(\w+))", re.ASCII)
"""Without the colon, a condition depends on whether the variable is set, which is not followed."""
_PAIR = re.compile(r"""\s*([A-Za-z_]\w*)(?:=("[^"\\`]*"|'[^'\\`$]*'|[^\s"'\\`]*))?(?=\s|$)""", re.ASCII)
_OLD_PAIR = re.compile(r"""([A-Za-z_]\w*)\s+([^"'\\`]*)""", re.ASCII)
_QUOTES = str.maketrans("", "", "\"'\\`")
_JSON = str.maketrans("", "", "\"'\\`[]")
_MOST = 200
"""Stages of a file, and variables of a stage, that are followed; what comes after them is not known."""
_LONGEST = 1024
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})", re.ASCII)
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/\s]*@[^/\s]*:", re.ASCII)
"""`scheme://…`, and `user@host:path`, which is SSH."""
_LOCAL_START = re.compile(r"[A-Za-z0-9]*[^A-Za-z0-9@:$]", re.ASCII)
"""A beginning that no scheme has, whatever follows; without a key the engine does not fetch over SSH."""


class SourceKind(StrEnum):
    """What is fetched."""

    FRONTEND = "frontend"
    """The program that reads the Dockerfile, which runs with network access."""
    REMOTE = "remote"
    """An address that `ADD` fetches."""
    IMAGE = "image"
    UNREADABLE = "unreadable"
    """A line that versions of BuildKit read in different ways."""


@dataclass(frozen=True, slots=True)
class BuildSource:
    """Something that a build fetches; `line` is 0 for a build argument."""

    kind: SourceKind
    line: int
    written: str
    value: str | None
    """None if it depends on what only the build knows, such as the variables of a base image."""


def build_sources(text: str, args: Mapping[str, str]) -> Iterator[BuildSource]:
    """Yield all that the Dockerfile makes the engine fetch, however its version reads the file."""
    if _SYNTAX_ARGUMENT in args:
        yield _frontend(0, args[_SYNTAX_ARGUMENT])
    lines = text.removeprefix("\ufeff").split("\n")
    yield from _frontends(lines)
    for number, line in enumerate(lines, start=1):
        if found := _UNREADABLE.search(line):
            yield BuildSource(SourceKind.UNREADABLE, number, found[0].strip(), None)
    for reading in readings(text):
        yield from _Walk(args, reading, tuple(read(text, reading))).sources()


def _frontends(lines: Iterable[str]) -> Iterator[BuildSource]:
    """Yield the frontends that the comments before the first instruction name, in every syntax for that."""
    for number, line in enumerate(map(str.strip, lines), start=1):
        if found := _SYNTAX.match(line):
            yield _frontend(number, found[1])
        elif line.startswith("{"):
            yield BuildSource(SourceKind.FRONTEND, number, line, None)
        if line and not line.startswith(("#", "//")):
            break


def _frontend(line: int, written: str) -> BuildSource:
    return BuildSource(SourceKind.FRONTEND, line, written, (written.split() or [""])[0])


@dataclass(slots=True)
class _Scope:
    """The variables before the first stage, or those of a stage."""

    closed: bool = False
    """Whether a variable that the file does not set is empty: no base image can set it."""
    certain: bool = True
    """False once an assignment could not be read."""
    environment: dict[str, str | None] = field(default_factory=dict)
    arguments: dict[str, str | None] = field(default_factory=dict)

    def value(self, name: str) -> str | None:
        """Return the value of a variable; None if it is not known. In a base image, ENV precedes ARG."""
        unset = "" if self.closed and not _PREDEFINED.fullmatch(name) else None
        found = self.environment.get(name, unset)
        argument = self.arguments.get(name, found)
        if self.closed and name not in self.environment:
            found = argument
        return found if self.certain and found == argument else None

    def assign(self, found: Instruction, args: Mapping[str, str], outer: "_Scope") -> None:
        """Take an ENV or ARG; build arguments replace defaults, and `outer` has those without one."""
        pairs = _pairs(found)
        if pairs is None or len(self.environment) + len(self.arguments) > _MOST:
            self.certain = False
        elif found.keyword == "ENV":
            self.environment |= {name: self._filled(value or "") for name, value in pairs.items()}
        else:
            for name, value in pairs.items():
                # Versions differ in what an ARG without a value makes of what they have set themselves.
                kept = None if outer is self and _PREDEFINED.fullmatch(name) else outer.value(name)
                default = kept if value is None else self._filled(value)
                self.arguments[name] = args.get(name, default)

    def _filled(self, text: str) -> str | None:
        return _expanded(text, self.value)


class _Walk:
    """Reads the instructions of one file in order."""

    def __init__(
        self, args: Mapping[str, str], reading: Reading, instructions: tuple[Instruction, ...]
    ) -> None:
        self._args = args
        self._instructions = instructions
        self._flag = _flag(reading.escape or "\\")
        # With another escape character, quoted values would have to be read differently.
        readable = reading.escape in {None, "\\"}
        self._globals = _Scope(closed=True, certain=readable, arguments={**_PLATFORM})
        self._scope = self._globals
        self._stages: dict[str, _Scope] = {}
        self._names = {self._stage_name(found.rest) for found in instructions if found.keyword == "FROM"}

    def sources(self) -> Iterator[BuildSource]:
        """Yield what the instructions fetch."""
        for found in self._instructions:
            if found.keyword == "FROM":
                yield from self._from(found)
            elif found.keyword in {"ARG", "ENV"}:
                self._scope.assign(found, self._args, self._globals)
            else:
                yield from self._fetched(found, self._scope)

    def _from(self, found: Instruction) -> Iterator[BuildSource]:
        written = (self._flags(found.rest)[1].split() or [""])[0].translate(_QUOTES)
        base = _expanded(written, self._globals.value)
        parent = self._stages.get((base or "").lower())
        if parent is None and base not in {"", "scratch"}:
            yield _image(found.line, written, base)
        known = parent or _Scope(base == "scratch", self._globals.certain)
        if len(self._stages) < _MOST:
            variables = {**known.environment}, {**known.arguments}
            self._scope = _Scope(known.closed, known.certain, *variables)
            self._stages[self._stage_name(found.rest) or str(len(self._stages))] = self._scope
        else:
            self._scope = _Scope(certain=False)

    def _fetched(self, found: Instruction, scope: _Scope) -> Iterator[BuildSource]:
        flags, rest = self._flags(found.rest)
        if found.keyword == "ONBUILD":
            # Its variables are those of a later build.
            keyword, after = (*found.rest.split(maxsplit=1), "", "")[:2]
            if upper(keyword) != found.keyword:
                yield from self._fetched(Instruction(found.line, upper(keyword), after), _Scope())
        elif found.keyword == "ADD":
            yield from _added(found.line, rest, scope)
        if found.keyword in {"ADD", "COPY", "RUN"}:
            for name in filter(None, map(_image_of, flags)):
                if not name.isdecimal() and name.lower() not in self._names:
                    yield _image(found.line, name, None if "$" in name else name)

    def _flags(self, rest: str) -> tuple[list[str], str]:
        """Split the flags of an instruction from the rest."""
        flags: list[str] = []
        at = 0
        while flags[-1:] != ["--"] and (found := self._flag.match(rest, at)):
            at = found.end()
            flags.append(found[1].translate(_QUOTES))
        return flags, rest[at:].strip()

    def _stage_name(self, rest: str) -> str:
        words = self._flags(rest)[1].split()
        named = len(words) > 2 and words[1].lower() == "as"  # noqa: PLR2004 - base AS name
        return words[2].lower() if named else ""


def _added(line: int, rest: str, scope: _Scope) -> Iterator[BuildSource]:
    """Yield the remote sources of an ADD, in both of its forms; its last word is the destination."""
    decoded = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), rest)
    for word in re.split(r"[\s,]+", decoded)[:-1]:
        written = word.translate(_JSON)
        value: str | None = written if len(written) <= _LONGEST else None
        if value and "$" in value and not _LOCAL_START.match(value):
            value = _expanded(value, scope.value)
        if value is None or any(map(_REMOTE.match, value.split())):
            yield BuildSource(SourceKind.REMOTE, line, written, value)


def _image(line: int, written: str, value: str | None) -> BuildSource:
    return BuildSource(SourceKind.IMAGE, line, written, value)


def _flag(escape: str) -> re.Pattern[str]:
    """Return the pattern of a flag: a word that begins with `--`, with quotes and escaped characters."""
    one = re.escape(escape)
    quoted = (rf"{quote}(?:[^{quote}{one}]|{one}.?)*(?:{quote}|$)" for quote in "\"'")
    return re.compile(rf"\s*(--(?:[^\s\"'{one}]|{one}.?|{'|'.join(quoted)})*)", re.DOTALL)


def _image_of(flag: str) -> str:
    """Return what `--from=…` or the `from` of a mount names, or nothing."""
    name, _, value = flag.partition("=")
    if name == "--from":
        return value
    fields = (field.partition("=") for field in value.split(",")) if name == "--mount" else ()
    return next((given.strip() for key, _, given in fields if key.strip().lower() == "from"), "")


def _pairs(found: Instruction) -> dict[str, str | None] | None:
    """Return the variables that ENV or ARG assigns; None if there is anything unusual about them."""
    old = _OLD_PAIR.fullmatch(found.rest)
    if found.keyword == "ENV" and old and "=" not in found.rest:
        return {old[1]: old[2]}
    pairs: dict[str, str | None] = {}
    at = 0
    while at < len(found.rest):
        pair = _PAIR.match(found.rest, at)
        if pair is None:
            return None
        at = pair.end()
        pairs[pair[1]] = pair[2] and pair[2].translate(_QUOTES)
    return pairs


def _expanded(text: str, value: Callable[[str], str | None]) -> str | None:
    """Replace variables by their values; None if one is unknown, or written in a way that is not read."""
    known = True

    def one(found: re.Match[str]) -> str:
        nonlocal known
        here = value(found[1] or found[4])
        known = known and here is not None
        if found[2] == "+":
            return found[3] if here else ""
        return here or found[3] or ""

    filled = _VARIABLE.sub(one, text)
    return filled if known and "$" not in filled and len(filled) <= _LONGEST else None
