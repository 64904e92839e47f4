"""What holds for every command, and how commands are found."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.language.command import AnyCommand, Command
from bot.core.language.parsing import Invocation, parse
from bot.discovery import VocabularyError, find_commands
from bot.model.outcome import StartRun
from bot.model.text import Text
from tests.fakes.snapshots import COMMANDS, environment, only, run, snapshot

READY = snapshot(built=True, environments=(environment(), environment("staging")), active=(run(42),))
CHINESE = re.compile("[\u4e00-\u9fff]")
COMMAND = """
from bot.core.language.command import Command, PermissionLevel, NoArguments
from bot.model.outcome import Ignore
from bot.model.text import Text

command = Command(
    name={name!r}, aliases={aliases!r}, summary=Text("", ""), permission=PermissionLevel.ANYONE,
    args=NoArguments, plan=lambda _, __: Ignore(""), order={order},
)
"""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
class TestEveryCommand:
    """What holds for every command there is and will be."""

    def test_examples_are_accepted_and_are_its_own(self, command: AnyCommand) -> None:
        for example in command.examples:
            [found] = parse(example, COMMANDS)
            assert isinstance(found, Invocation), example
            assert found.command is command

    def test_has_examples_in_both_languages(self, command: AnyCommand) -> None:
        assert any(CHINESE.search(example) for example in command.examples)
        assert any(not CHINESE.search(example) for example in command.examples)

    def test_has_a_chinese_alias(self, command: AnyCommand) -> None:
        assert any(CHINESE.search(alias) for alias in command.aliases)

    def test_is_understood_by_every_name(self, command: AnyCommand) -> None:
        for name in command.names:
            [found] = parse(f"／{name.upper()}", COMMANDS)
            assert isinstance(found, Invocation)
            assert (found.command, found.args) == (command, command.bind(()))

    def test_is_explained_in_both_languages(self, command: AnyCommand) -> None:
        for text in (command.summary, *(argument.declaration.text for argument in command.arguments)):
            _is_bilingual(text)

    def test_arguments_have_chinese_names(self, command: AnyCommand) -> None:
        for argument in command.arguments:
            if argument.name != "failed":
                assert any(CHINESE.search(name) for name in argument.names), argument.name

    def test_starts_only_what_it_declares(self, command: AnyCommand) -> None:
        """Trust is checked before `plan`, so a command that starts code must declare `runs_code`."""
        for example in command.examples:
            [line] = parse(example, COMMANDS)
            assert isinstance(line, Invocation)
            outcome = command.plan(line.args, only(READY, command.needs))
            if isinstance(outcome, StartRun) and not outcome.plan.removes_only:
                assert command.runs_code

    def test_is_lowercase(self, command: AnyCommand) -> None:
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*|[\u4e00-\u9fff]+", name) for name in command.names)


def _is_bilingual(text: Text) -> None:
    assert CHINESE.search(text.zh)
    assert text.zh.endswith("。")
    assert not CHINESE.search(text.en)
    assert text.en.endswith(".")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an importable, empty package named `sample_commands`."""
    folder = tmp_path / "sample_commands"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("sample_commands")]:
        del sys.modules[name]


def write(folder: Path, module: str, *aliases: str, name: str = "", order: int = 50) -> None:
    text = COMMAND.format(name=name or module, aliases=aliases, order=order)
    (folder / f"{module}.py").write_text(text, encoding="utf-8")


def test_commands_are_found_in_their_order(package: Path) -> None:
    write(package, "zoo", order=10)
    write(package, "bar")
    write(package, "abc", name="baz", order=50)

    found = find_commands("sample_commands")

    assert all(isinstance(command, Command) for command in found)
    assert [command.name for command in found] == ["zoo", "bar", "baz"]


@pytest.mark.parametrize(
    ("one", "other"),
    [(("same",), ("SAME",)), (("two",), ()), ((), ("one",))],
    ids=["aliases", "name", "alias"],
)
def test_two_commands_with_one_name_are_refused(
    package: Path, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    write(package, "one", *one)
    write(package, "two", *other)

    with pytest.raises(VocabularyError, match=r"is claimed by /one and by /two"):
        find_commands("sample_commands")


def test_a_module_without_a_command_is_reported(package: Path) -> None:
    (package / "empty.py").write_text("command = 'build'\n", encoding="utf-8")

    with pytest.raises(VocabularyError, match=r"sample_commands\.empty has no Command"):
        find_commands("sample_commands")
