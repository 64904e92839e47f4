"""Reads `.chatops.yml`: returns a Pipeline, or all problems of the file at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache
from itertools import chain

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bot.core.language.spelling import nearest
from bot.model.container_limits import ContainerMaximum
from bot.model.pipeline import Automatic, Pipeline
from bot.model.shortening import shortened
from bot.model.text import Text, counted
from bot.model.views import ConfigBroken, ConfigProblem
from bot.pipeline import (
    checks,
    full_width,
    image_checks,
    job_checks,
    messages,
    service_checks,
    setup_checks,
    shape,
)
from bot.pipeline.yaml_messages import NOT_UTF8
from bot.pipeline.yaml_tree import Document, Mark, Path, Tree, YamlError, mark_after, parse

FILE = ".chatops.yml"
MAX_BYTES = 64 << 10
MAX_PROBLEMS = 10

_NO_MAXIMUM: Mapping[str, ContainerMaximum] = {}
_EXCERPT_LINES = 40
_EXCERPT_WIDTH = 160
_MAX_PATH_LENGTH = 100
_COMBINATIONS = (
    job_checks.check_combinations,
    checks.check_exclusive,
    service_checks.check_health,
    image_checks.check_combinations,
    setup_checks.check_combinations,
)
_MESSAGES = {
    "dataclass_type": messages.SECTION,
    "mapping_type": messages.SECTION,
    "dict_type": messages.SECTION,
    "tuple_type": messages.LIST,
    "string_type": messages.TEXT,
    "int_type": messages.NUMBER,
    "int_parsing": messages.NUMBER,
    "int_parsing_size": messages.NUMBER,
    "int_from_float": messages.NUMBER,
    "bool_type": messages.BOOLEAN,
    "bool_parsing": messages.BOOLEAN,
    "literal_error": messages.VERSION,
}


def read(
    content: bytes,
    *,
    file: str,
    ref: str,
    known_commands: frozenset[str],
    most: Mapping[str, ContainerMaximum] = _NO_MAXIMUM,
) -> Pipeline | ConfigBroken:
    """Return the contents of the file at `ref`, or its problems. An empty file means all defaults.

    `known_commands` are the command names and aliases that are allowed in `on:`. There, a leading slash is
    removed; arguments after the name are kept. `most` is what containers may have, by the names of runners.
    """
    try:
        text = _decoded(content)
        document = parse(text)
    except YamlError as error:
        shown = content[:MAX_BYTES].decode("utf-8", "replace")
        problem = full_width.in_syntax(shown, _problem((), error.mark, error.message))
        return ConfigBroken(file, ref, (problem,), _excerpt(shown, (problem,)))
    document.root = {} if document.root is None else document.root
    problems = _first_of_each_key(full_width.in_tree(text, _problems(document, known_commands, most)))
    if problems:
        return ConfigBroken(file, ref, problems, _excerpt(text, problems))
    pipeline = _adapter().validate_python(shape.normalized(document.root))
    return replace(pipeline, on=_without_slashes(pipeline.on))


def changed(files: Iterable[str]) -> bool:
    """Whether a pull request that changes these files changes this one."""
    return FILE in files


def _decoded(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise YamlError(Mark(1, 1), messages.TOO_LARGE)
    try:
        # Without this, columns and excerpts would differ from what editors show for Windows line ends.
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise YamlError(mark_after(content[: error.start].decode("utf-8", "replace")), NOT_UTF8) from error


@cache
def _adapter() -> TypeAdapter[Pipeline]:
    return TypeAdapter(Pipeline)


def _problems(
    document: Document, known_commands: frozenset[str], most: Mapping[str, ContainerMaximum]
) -> Iterator[ConfigProblem]:
    """Yield all problems. Of several problems of one key, the first is the most useful one."""
    for path, mark, message in document.repeated:
        yield _problem(path, mark, message)
    tree = document.root
    for error in _type_errors(tree):
        yield _type_problem(document, error)
    for path, message in checks.check_names(tree):
        yield _problem(path, document.at_key(path), message)
    for path, message in (*checks.check_values(tree), *checks.check_maximum(tree, most)):
        yield _problem(path, document.at(path), message)
    for path, message in chain.from_iterable(check(tree) for check in _COMBINATIONS):
        yield _problem(path, document.at_key(path), message)
    for path, message in image_checks.check_runners(tree):
        yield _problem(path, document.at(path), message)
    for path, message, guess in (
        *service_checks.check_dependencies(tree),
        *image_checks.check_references(tree),
        *_unknown_commands(tree, known_commands),
    ):
        yield _problem(path, document.at(path), message, guess)


def _type_errors(tree: Tree) -> list[ErrorDetails]:
    try:
        _adapter().validate_python(shape.normalized(tree))
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _type_problem(document: Document, error: ErrorDetails) -> ConfigProblem:
    path: Path = error["loc"]
    kind = shape.kind_at(path)
    if error["type"] == "unexpected_keyword_argument":
        known = shape.keys_at(path[:-1])
        guess = nearest(str(path[-1]).lower(), known) or ""
        return _problem(path, document.at_key(path), messages.unknown_key(known), guess)
    if error["type"] == "enum" and issubclass(kind, StrEnum):
        values = tuple(map(str, kind))
        # A list could contain long texts many times by aliases, so only text gets a suggestion.
        written = error["input"] if isinstance(error["input"], str) else ""
        guess = nearest(written.lower(), values) or ""
        return _problem(path, document.at(path), messages.one_of(values), guess)
    return _problem(path, document.at(path), _MESSAGES.get(error["type"], messages.INVALID))


def _problem(path: Path, mark: Mark, message: Text, suggestion: str = "") -> ConfigProblem:
    where = shortened(".".join(counted(path)), _MAX_PATH_LENGTH)
    return ConfigProblem(mark.line, mark.column, where, message, suggestion)


def _first_of_each_key(problems: Iterable[ConfigProblem]) -> tuple[ConfigProblem, ...]:
    """Return the first problem of each key, in the order of the file."""
    first: dict[str, ConfigProblem] = {}
    for problem in problems:
        first.setdefault(problem.where, problem)
    return tuple(sorted(first.values(), key=lambda problem: (problem.line, problem.column)))[:MAX_PROBLEMS]


def _unknown_commands(tree: Tree, known: frozenset[str]) -> Iterator[tuple[Path, Text, str]]:
    for path, name in _commands(tree):
        if name not in known:
            yield path, messages.COMMAND, nearest(name, known) or ""


def _commands(tree: Tree) -> Iterator[tuple[Path, str]]:
    on = tree.get("on") if isinstance(tree, dict) else None
    for trigger, names in on.items() if isinstance(on, dict) else ():
        for index, line in enumerate(names if isinstance(names, list) else ()):
            if isinstance(line, str):
                yield ("on", trigger, index), _bare(line).partition(" ")[0]


def _without_slashes(on: Automatic) -> Automatic:
    """Return the commands without leading slashes."""
    opened, updated, closed = (tuple(map(_bare, names)) for names in (on.open, on.update, on.close))
    return replace(on, open=opened, update=updated, close=closed)


def _bare(command: str) -> str:
    return command.strip().lstrip("/／")


def _excerpt(text: str, problems: Iterable[ConfigProblem]) -> str:
    """Return the numbered lines with problems, each with the lines before and after."""
    lines = text.rstrip("\n").split("\n")
    wrong = {problem.line for problem in problems}
    near = sorted({line + by for line in wrong for by in (-1, 0, 1)} & set(range(1, len(lines) + 1)))
    shown = [
        f"{'>' if number in wrong else ' '} {number:>4} | {_printable(lines[number - 1])}" for number in near
    ]
    return "\n".join(shown[:_EXCERPT_LINES])


def _printable(line: str) -> str:
    visible = "".join(char if char.isprintable() else " " if char == "\t" else "\ufffd" for char in line)
    return shortened(visible, _EXCERPT_WIDTH)
