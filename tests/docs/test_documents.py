"""Command lines, links, paths and settings in the documents are valid."""

import re
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from bot.cli import main
from bot.settings.shape import keys
from tests.docs.documents import PAGES, ROOT, Document

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = frozenset(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
EXAMPLES = {"tests/unit", "tests/e2e", "tests/test_cart.py"}
"""Paths in a user's repository."""

EVERY_PAGE = pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(ROOT).as_posix())


def wrong_command(words: Sequence[str]) -> str:
    """Return the error in a command line, without running it; empty if there is none."""
    program, *arguments = words
    try:
        return _wrong_target(arguments) if program == "make" else _parse(main, program, arguments)
    except click.ClickException as error:
        return error.format_message()
    except click.exceptions.Exit:  # --help and --version
        return ""


def _parse(command: click.Command, name: str, arguments: Sequence[str]) -> str:
    if not isinstance(command, click.Group) or arguments[0].startswith("-"):
        command.make_context(name, list(arguments))
        return ""
    found = command.get_command(click.Context(command), arguments[0])
    return _parse(found, arguments[0], arguments[1:]) if found else f"no command {arguments[0]!r}"


def _wrong_target(arguments: Sequence[str]) -> str:
    variables = dict(one.split("=", 1) for one in arguments if "=" in one)
    targets = [one for one in arguments if "=" not in one]
    unknown = [
        *(one for one in targets if one not in TARGETS),
        *(one for one in variables if not re.search(rf"\b{one}\b", MAKEFILE)),
    ]
    if unknown:
        return f"not in the Makefile: {', '.join(unknown)}"
    if targets == ["demo"] and "ARGS" in variables:
        return wrong_command(["chatops", "playground", *variables["ARGS"].split()])
    return ""


def wrong_commands(document: Document) -> list[str]:
    found = ((words, wrong_command(words)) for words in document.commands)
    return [f"{' '.join(words)}: {wrong}" for words, wrong in found if wrong]


def broken_links(document: Document) -> list[str]:
    return [link for link in document.links if not _has_target(document, link)]


def _has_target(document: Document, link: str) -> bool:
    target, _, anchor = link.partition("#")
    file = document.file.parent / target if target else document.file
    if not anchor:
        return file.exists()
    page = document if file == document.file else Document.read(file) if file.is_file() else None
    return page is not None and anchor in page.anchors


def missing_paths(document: Document) -> list[str]:
    return sorted(path for path in document.paths - EXAMPLES if not list(ROOT.glob(path)))


def unknown_settings(document: Document) -> list[str]:
    """Return what is written like `[section] key`, in code, and is no setting."""
    known = keys()
    found = re.findall(r"`\[([a-z_]+)\] ([a-z_]+)\b[^`]*`", document.text)
    return [f"[{section}] {key}" for section, key in found if key not in known.get(section, {})]


@EVERY_PAGE
def test_every_setting_exists(file: Path) -> None:
    assert unknown_settings(Document.read(file)) == []


@EVERY_PAGE
def test_every_command_line_is_valid(file: Path) -> None:
    assert wrong_commands(Document.read(file)) == []


@EVERY_PAGE
def test_every_link_has_a_target(file: Path) -> None:
    assert broken_links(Document.read(file)) == []


@EVERY_PAGE
def test_every_path_exists(file: Path) -> None:
    assert missing_paths(Document.read(file)) == []


SAMPLE = r"""
# What & why
# What & why
Run `chatops doctor --repo a/b`, `chatops --version`, `chatops dns coredns --help` or `make`, never
`chatops hooks add a/b`; set `[gitee] url`, `[gitee] link` and `[store] url = "x"`. They are
in `bot/cli.py` and `commands/NAME.py`, not in `bot/cli/main.py`.

| `chatops gc --dry` | `make tests` |
|---|---|
| `chatops serve --log-level loud` | [here](#what--why-1) [no](#what) [no](gone.md#x) [away](https://a.b) |

1. In a list:

   ```sh
   $ cd shop && sudo LOAD=1 .venv/bin/chatops dns bind   # not there
   docker run -d --name chatops \
     gitee-chatops serve --confg x
   make demo ARGS="--demo-pr --fast"
   make flaky TIME=3 LOAD=2
   ```

![An image](image.png)
"""


def test_errors_are_found() -> None:
    document = Document(ROOT / "docs" / "sample.md", SAMPLE)

    assert unknown_settings(document) == ["[gitee] link"]
    assert [line.partition(":")[0] for line in wrong_commands(document)] == [
        "chatops hooks add a/b",
        "chatops gc --dry",
        "make tests",
        "chatops serve --log-level loud",
        "chatops dns bind",
        "chatops serve --confg x",
        "make demo ARGS=--demo-pr --fast",
        "make flaky TIME=3 LOAD=2",
    ]
    assert broken_links(document) == ["#what", "gone.md#x", "image.png"]
    assert missing_paths(document) == ["bot/cli/main.py"]
