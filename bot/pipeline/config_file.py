"""Reads `.chatops.yml`: returns a Pipeline, or all problems of the file at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bot.core.language.spelling import nearest
from bot.model.container_limits import ContainerMaximum
from bot.model.pipeline import Automatic, Pipeline, SetupCommand
from bot.model.text import Text
from bot.model.views import ConfigBroken, ConfigProblem
from bot.pipeline import (
    checks,
    composed,
    decoding,
    full_width,
    image_checks,
    job_checks,
    messages,
    problems,
    service_checks,
    setup_checks,
    shape,
)
from bot.pipeline.compose.project import FilesNeeded
from bot.pipeline.composed import ComposedDocument
from bot.pipeline.decoding import decoded
from bot.pipeline.problems import problem
from bot.pipeline.yaml_tree import Document, Path, Tree, YamlError, parse

FILE = ".chatops.yml"
COMPOSE_ALONE = "deploy: {{compose: {}}}\n"
"""What a Compose file means where there is no `.chatops.yml`."""
MAX_BYTES = decoding.MAX_BYTES

_NO_FILES: Mapping[str, bytes | None] = {}
_NO_MAXIMUM: Mapping[str, ContainerMaximum] = {}
_COMBINATIONS = (
    composed.check_combinations,
    job_checks.check_combinations,
    checks.check_exclusive,
    service_checks.check_health,
    service_checks.check_aliases,
    service_checks.check_files,
    service_checks.check_public,
    image_checks.check_combinations,
    setup_checks.check_combinations,
    setup_checks.check_data,
    image_checks.check_dockerfiles,
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
    files: Mapping[str, bytes | None] = _NO_FILES,
) -> Pipeline | ConfigBroken | FilesNeeded:
    """Return the contents of the file at `ref`, or its problems. An empty file means all defaults.

    `known_commands` are the command names and aliases that are allowed in `on:`. There, a leading slash is
    removed; arguments after the name are kept. `most` is what containers may have, by the names of runners.
    With `deploy.compose`, `files` are those of the same commit that were read, None for missing ones; as long
    as others are needed, they are returned instead.
    """
    try:
        text = decoded(content)
        document = parse(text)
    except YamlError as error:
        return problems.unreadable(content, error, file, ref)
    document.root = {} if document.root is None else document.root
    wrong = full_width.in_tree(text, _problems(document, known_commands, most))
    if broken := problems.broken(text, wrong, file, ref):
        return broken
    compose = composed.file_of(document.root)
    if compose is not None:
        found = composed.combined(composed.Source(file, ref, text, document), files)
        if not isinstance(found, ComposedDocument):
            return found
        if broken := problems.broken(found.text, _problems(found, known_commands, most), found.file, ref):
            return broken
        document = found
    pipeline = _adapter().validate_python(shape.normalized(document.root))
    return replace(
        pipeline, on=_without_slashes(pipeline.on), deploy=replace(pipeline.deploy, compose=compose)
    )


def changed(files: Iterable[str], counting: Iterable[str]) -> str | None:
    """Return which configuration a pull request changes, if any: this file, or one of those `counting`."""
    changed_files = frozenset(files)
    return next((file for file in (FILE, *counting) if file in changed_files), None)


@cache
def _adapter() -> TypeAdapter[Pipeline]:
    return TypeAdapter(Pipeline)


def _problems(
    document: Document, known_commands: frozenset[str], most: Mapping[str, ContainerMaximum]
) -> Iterator[ConfigProblem]:
    """Yield all problems. Of several problems of one key, the first is the most useful one."""
    for path, mark, message in document.repeated:
        yield problem(document.named(path), mark, message)
    tree = document.root
    for error in _type_errors(tree):
        yield _type_problem(document, error)
    for path, message in checks.check_names(tree):
        yield problem(document.named(path), document.at_key(path), message)
    for path, message in (*checks.check_values(tree), *checks.check_maximum(tree, most)):
        yield problem(document.named(path), document.at(path), message)
    for path, message in chain.from_iterable(check(tree) for check in _COMBINATIONS):
        yield problem(document.named(path), document.at_key(path), message)
    for path, message in image_checks.check_runners(tree):
        yield problem(document.named(path), document.at(path), message)
    for path, message, guess in (
        *service_checks.check_dependencies(tree),
        *image_checks.check_references(tree),
        *setup_checks.check_commands(tree),
        *_unknown_commands(tree, known_commands),
    ):
        yield problem(document.named(path), document.at(path), message, guess)


def _type_errors(tree: Tree) -> list[ErrorDetails]:
    try:
        _adapter().validate_python(shape.normalized(tree))
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _type_problem(document: Document, error: ErrorDetails) -> ConfigProblem:
    path: Path = error["loc"]
    if shape.kind_at(path[:-1]) == bool | str:
        return problem(document.named(path[:-1]), document.at(path[:-1]), messages.PUBLIC)
    kind = shape.kind_at(path)
    if error["type"] == "unexpected_keyword_argument":
        known = shape.keys_at(path[:-1])
        guess = nearest(str(path[-1]).lower(), known) or ""
        return problem(document.named(path), document.at_key(path), messages.unknown_key(known), guess)
    if error["type"] == "enum" and issubclass(kind, StrEnum):
        values = tuple(map(str, kind))
        # A list could contain long texts many times by aliases, so only text gets a suggestion.
        written = error["input"] if isinstance(error["input"], str) else ""
        guess = nearest(written.lower(), values) or ""
        return problem(document.named(path), document.at(path), messages.one_of(values), guess)
    return problem(document.named(path), document.at(path), _about_type(error, kind))


def _about_type(error: ErrorDetails, kind: Any) -> Text:
    """Return what a value of another type should have been."""
    if error["type"] == "literal_error" and error["loc"] != ("version",):
        return messages.one_of(get_args(kind))
    message = _MESSAGES.get(error["type"], messages.INVALID)
    return messages.SETUP_COMMAND if kind is SetupCommand and message is messages.SECTION else message


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
