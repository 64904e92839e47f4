"""From the bytes of `.chatops.yml` to a Pipeline, or to everything that is wrong with it at once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import cache

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bot.core.language.spelling import nearest
from bot.model.pipeline import Automatic, Pipeline
from bot.model.text import Text
from bot.model.views import ConfigBroken, ConfigProblem
from bot.pipeline import checks, job_checks, shape
from bot.pipeline import messages as words
from bot.pipeline.yaml_messages import NOT_UTF8
from bot.pipeline.yaml_tree import Document, Mark, Path, Tree, YamlError, parse, place

FILE = ".chatops.yml"
LARGEST = 64 << 10
MOST_PROBLEMS = 10

_EXCERPT_LINES = 40
_EXCERPT_WIDTH = 160
_LONGEST_WHERE = 100
_MESSAGES = {
    "dataclass_type": words.SECTION,
    "mapping_type": words.SECTION,
    "dict_type": words.SECTION,
    "tuple_type": words.LIST,
    "string_type": words.TEXT,
    "int_type": words.NUMBER,
    "int_parsing": words.NUMBER,
    "int_parsing_size": words.NUMBER,
    "int_from_float": words.NUMBER,
    "bool_type": words.BOOLEAN,
    "bool_parsing": words.BOOLEAN,
    "literal_error": words.VERSION,
}


def read(content: bytes, *, file: str, ref: str, known_commands: frozenset[str]) -> Pipeline | ConfigBroken:
    """Read the file as it stands at `ref`; an empty one means all defaults.

    `known_commands` are the names, aliases included, that lines under `on:` may begin with; a slash in
    front is left away, arguments after the name stay.
    """
    try:
        text = _decoded(content)
        document = parse(text)
    except YamlError as error:
        shown = content[:LARGEST].decode("utf-8", "replace")
        problem = ConfigProblem(error.mark.line, error.mark.column, "", error.message)
        return ConfigBroken(file, ref, (problem,), _excerpt(shown, (problem,)))
    document.root = {} if document.root is None else document.root
    problems = _sorted(_problems(document, known_commands))
    if problems:
        return ConfigBroken(file, ref, problems, _excerpt(text, problems))
    pipeline = _adapter().validate_python(shape.fitted(document.root))
    return replace(pipeline, on=_without_slashes(pipeline.on))


def changed(files: Iterable[str]) -> bool:
    """Tell whether a pull request touches the file."""
    return FILE in files


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise YamlError(Mark(1, 1), words.TOO_LARGE)
    try:
        # With Windows line ends, columns and excerpts are as an editor shows them.
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise YamlError(place(content[: error.start].decode("utf-8", "replace")), NOT_UTF8) from error


@cache
def _adapter() -> TypeAdapter[Pipeline]:
    return TypeAdapter(Pipeline)


def _problems(document: Document, known_commands: frozenset[str]) -> Iterator[ConfigProblem]:
    """Yield all findings; where several are about one key, the first is the most telling."""
    for path, mark, message in document.repeated:
        yield _problem(path, mark, message)
    tree = document.root
    for error in _type_errors(tree):
        yield _about_type(document, error)
    for path, message in checks.names(tree):
        yield _problem(path, document.at_key(path), message)
    for path, message in checks.values(tree):
        yield _problem(path, document.at(path), message)
    for path, message in job_checks.together(tree):
        yield _problem(path, document.at_key(path), message)
    for path, line in _commands(tree):
        name = line.partition(" ")[0]
        if name not in known_commands:
            guess = nearest(name, known_commands) or ""
            yield _problem(path, document.at(path), words.COMMAND, guess)


def _type_errors(tree: Tree) -> list[ErrorDetails]:
    try:
        _adapter().validate_python(shape.fitted(tree))
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    return []


def _about_type(document: Document, error: ErrorDetails) -> ConfigProblem:
    path: Path = error["loc"]
    kind = shape.kind_at(path)
    if error["type"] == "unexpected_keyword_argument":
        known = shape.names_at(path[:-1])
        guess = nearest(str(path[-1]).lower(), known) or ""
        return _problem(path, document.at_key(path), words.unknown_key(known), guess)
    if error["type"] == "enum" and issubclass(kind, StrEnum):
        values = tuple(map(str, kind))
        written = document.written(path).lower()
        return _problem(path, document.at(path), words.one_of(values), nearest(written, values) or "")
    return _problem(path, document.at(path), _MESSAGES.get(error["type"], words.INVALID))


def _problem(path: Path, mark: Mark, message: Text, suggestion: str = "") -> ConfigProblem:
    where = _cut(".".join(map(str, path)), _LONGEST_WHERE)
    return ConfigProblem(mark.line, mark.column, where, message, suggestion)


def _sorted(problems: Iterable[ConfigProblem]) -> tuple[ConfigProblem, ...]:
    """Return the first problem of each key, in order of place."""
    each: dict[str, ConfigProblem] = {}
    for problem in problems:
        each.setdefault(problem.where, problem)
    return tuple(sorted(each.values(), key=lambda found: (found.line, found.column)))[:MOST_PROBLEMS]


def _commands(tree: Tree) -> Iterator[tuple[Path, str]]:
    on = tree.get("on") if isinstance(tree, dict) else None
    for trigger, names in on.items() if isinstance(on, dict) else ():
        for index, line in enumerate(names if isinstance(names, list) else ()):
            if isinstance(line, str):
                yield ("on", trigger, index), _bare(line)


def _without_slashes(on: Automatic) -> Automatic:
    """Let `/build` mean `build`."""
    opened, updated, closed = (tuple(map(_bare, names)) for names in (on.open, on.update, on.close))
    return Automatic(opened, updated, closed)


def _bare(command: str) -> str:
    return command.strip().lstrip("/／")


def _excerpt(text: str, problems: Iterable[ConfigProblem]) -> str:
    """Return the lines with problems and their neighbours, numbered."""
    lines = text.rstrip("\n").split("\n")
    wrong = {problem.line for problem in problems}
    near = sorted({line + by for line in wrong for by in (-1, 0, 1)} & set(range(1, len(lines) + 1)))
    shown = [
        f"{'>' if number in wrong else ' '} {number:>4} | {_shown(lines[number - 1])}" for number in near
    ]
    return "\n".join(shown[:_EXCERPT_LINES])


def _shown(line: str) -> str:
    visible = "".join(char if char.isprintable() else " " if char == "\t" else "\ufffd" for char in line)
    return _cut(visible, _EXCERPT_WIDTH)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
