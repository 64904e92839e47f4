"""What a Dockerfile asks of the engine itself: images and addresses that it fetches, and secrets."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.core.deciding.dockerfile_lines import Instruction, Reading, read, readings, upper
from bot.core.deciding.dockerfile_variables import LONGEST, QUOTES, Scope, expanded

_SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"
_SYNTAX = re.compile(r"(?:#|//)\s*syntax\s*=\s*(\S*).*", re.ASCII | re.IGNORECASE)
_UNREADABLE = re.compile(
    # Python counts these characters as space and Go does not; versions differ in what ends a line, and in
    # the names of here-documents.
    r"""[\0\x1c-\x1f]|\r(?!\Z)|(?<!\S)[0-9]*<<-?(?:[^\s<]*[\\`]|\s*["'](?![A-Za-z_][\w.]*["']))"""
)
_PLATFORM = {"TARGETARCH": "amd64", "BUILDARCH": "amd64", "TARGETOS": "linux", "BUILDOS": "linux"}
_BRACKETS = str.maketrans("", "", "[]")
_MOST = 200
"""Stages of a file that are followed; what comes after them is not known."""
_INVALID = "\ufffd".encode().decode("latin-1")
"""In a flag, what was no UTF-8, and may have been a blank to BuildKit."""
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})", re.ASCII)
_FALSE = {"0", "f", "false"}
"""What Go takes for false, in lower case."""
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
    SECRET = "secret"  # noqa: S105 - a kind of source
    """A secret that `RUN --mount=type=secret` cannot do without."""
    UNREADABLE = "unreadable"
    """A line that versions of BuildKit read in different ways."""


@dataclass(frozen=True, slots=True)
class BuildSource:
    """Something that a build asks for; `line` is 0 for a build argument."""

    kind: SourceKind
    line: int
    written: str
    value: str | None
    """None if it depends on what only the build knows, such as the variables of a base image."""


def build_sources(text: str, args: Mapping[str, str]) -> Iterator[BuildSource]:
    """Yield all that the Dockerfile asks of the engine, however its version reads the file."""
    if _SYNTAX_ARGUMENT in args:
        yield _frontend(0, args[_SYNTAX_ARGUMENT])
    lines = text.removeprefix("\ufeff").split("\n")
    yield from _frontends(lines)
    for number, line in enumerate(lines, start=1):
        if found := _UNREADABLE.search(line):
            yield BuildSource(SourceKind.UNREADABLE, number, found[0].strip(" "), None)
    for reading in readings(text):
        instructions = tuple(read(text, reading))
        # Older versions take a backslash in flags, whatever the file's escape character is.
        for escape in sorted({reading.escape or "\\", "\\"}):
            yield from _Walk(args, reading, escape, instructions).sources()


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


class _Walk:
    """Reads the instructions of one file in order."""

    def __init__(
        self, args: Mapping[str, str], reading: Reading, escape: str, instructions: tuple[Instruction, ...]
    ) -> None:
        self._args = args
        self._instructions = instructions
        self._flag = _flag(escape)
        # With another escape character, quoted values would have to be read differently.
        readable = reading.escape in {None, "\\"}
        platform = {name: args.get(name, value) for name, value in _PLATFORM.items()}
        self._globals = Scope(closed=True, certain=readable, values={**platform})
        self._scope = self._globals
        self._stages: dict[str, Scope] = {}
        self._names = {self._stage_name(found.rest) for found in instructions if found.keyword == "FROM"}

    def sources(self) -> Iterator[BuildSource]:
        """Yield what the instructions fetch."""
        for found in self._instructions:
            if not found.clear:
                yield BuildSource(SourceKind.UNREADABLE, found.line, found.rest, None)
            if found.keyword == "FROM":
                yield from self._from(found)
            elif found.keyword in {"ARG", "ENV"}:
                self._scope.assign(found, self._args, self._globals)
            else:
                yield from self._fetched(found, self._scope)

    def _from(self, found: Instruction) -> Iterator[BuildSource]:
        flags, rest = self._flags(found.rest)
        yield from self._named(found.line, flags)
        written = (rest.split() or [""])[0]
        base = expanded(written, self._globals.value)
        parent = self._stages.get((base or "").lower())
        if parent is None and base not in {"", "scratch"}:
            yield _image(found.line, written.translate(QUOTES), base)
        if len(self._stages) < _MOST:
            new = Scope(base == "scratch", self._globals.certain)
            self._scope = parent.child() if parent else new
            self._stages[self._stage_name(found.rest) or f" {len(self._stages)}"] = self._scope
        else:
            self._scope = Scope(certain=False)

    def _fetched(self, found: Instruction, scope: Scope) -> Iterator[BuildSource]:
        flags, rest = self._flags(found.rest)
        yield from self._named(found.line, flags)
        if found.keyword == "ONBUILD":
            keyword, after = (*found.rest.split(maxsplit=1), "", "")[:2]
            inner = Instruction(found.line, upper(keyword), after)
            scope.triggers |= inner.keyword in {"ARG", "ENV"}
            if inner.keyword != found.keyword:
                # Its variables are those of a later build.
                yield from self._fetched(inner, Scope())
        elif found.keyword == "ADD":
            yield from _added(found.line, rest, scope)

    def _named(self, line: int, flags: Iterable[str]) -> Iterator[BuildSource]:
        """Yield the images and secrets that flags name."""
        for flag in flags:
            if _INVALID in flag:
                yield BuildSource(SourceKind.UNREADABLE, line, flag, None)
            for name in _images_of(flag):
                if not name.isdecimal() and name.lower() not in self._names:
                    yield _image(line, name, None if "$" in name else name)
            if secret := _secret_of(flag):
                yield BuildSource(SourceKind.SECRET, line, secret, None if "$" in secret else secret)

    def _flags(self, rest: str) -> tuple[list[str], str]:
        """Split the flags of an instruction from the rest.

        BuildKit takes each byte of a flag for a character, so that the end of `à` is a blank.
        """
        flags: list[str] = []
        at, characters = 0, rest.encode(errors="replace").decode("latin-1")
        while flags[-1:] != ["--"] and (found := self._flag.match(characters, at)):
            at = found.end()
            flags.append(found[1].translate(QUOTES))
        return flags, characters[at:].lstrip().encode("latin-1").decode(errors="replace").strip()

    def _stage_name(self, rest: str) -> str:
        words = self._flags(rest)[1].split()
        named = len(words) > 2 and words[1].lower() == "as"  # noqa: PLR2004 - base AS name
        return words[2].lower() if named else ""


def _added(line: int, rest: str, scope: Scope) -> Iterator[BuildSource]:
    """Yield the remote sources of an ADD, in both of its forms; its last word is the destination."""
    decoded = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), rest)
    for word in re.split(r"[\s,]+", decoded)[:-1]:
        written = word.translate(_BRACKETS).translate(QUOTES)
        value: str | None = written if len(word) <= LONGEST else None
        if value and "$" in value and not _LOCAL_START.match(value):
            value = expanded(word.translate(_BRACKETS), scope.value)
        if value is None or any(map(_REMOTE.match, value.split())):
            yield BuildSource(SourceKind.REMOTE, line, written, value)


def _image(line: int, written: str, value: str | None) -> BuildSource:
    return BuildSource(SourceKind.IMAGE, line, written, value)


def _flag(escape: str) -> re.Pattern[str]:
    """Return the pattern of a flag: a word that begins with `--`, with quotes and escaped characters."""
    one = re.escape(escape)
    quoted = (rf"{quote}(?:[^{quote}{one}]|{one}.?)*(?:{quote}|$)" for quote in "\"'")
    return re.compile(rf"\s*(--(?:[^\s\"'{one}]|{one}.?|{'|'.join(quoted)})*)", re.DOTALL)


def _images_of(flag: str) -> Iterator[str]:
    """Yield what `--from=…` or the `from` of a mount names."""
    fields = _mount(flag) or _fields([flag.removeprefix("--")])
    return (value for key, value in fields if key == "from" and value)


def _secret_of(flag: str) -> str:
    """Return the id of the secret that a mount needs; nothing for other flags and for `required=false`.

    BuildKit itself mounts nothing where a secret is missing, unless the mount has `required`; but a build
    that goes on without what it asks for is seldom what its author wants.
    """
    fields = dict(_mount(flag))
    if fields.get("type", "").lower() != "secret" or fields.get("required", "").lower() in _FALSE:
        return ""
    target = next((fields[key] for key in ("target", "dst", "destination") if fields.get(key)), "")
    named = (fields.get("id"), fields.get("source"), fields.get("src"), target.rpartition("/")[2])
    return next(filter(None, named), "")


def _mount(flag: str) -> list[tuple[str, str]]:
    name, _, value = flag.partition("=")
    return _fields(value.split(",")) if name == "--mount" else []


def _fields(written: Iterable[str]) -> list[tuple[str, str]]:
    """Split fields such as `from=a`; keys are in lower case."""
    pairs = (one.partition("=") for one in written)
    return [(key.strip().lower(), value.strip()) for key, _, value in pairs]
