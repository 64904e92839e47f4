"""The command that CONTRIBUTING shows works as it stands there."""

import re
import sys
from pathlib import Path

import pytest

from bot.core.language.command import AnyCommand
from bot.core.language.parsing import Invocation, parse
from bot.discovery import find_commands
from bot.model.outcome import Refuse, StartRun
from bot.model.reason import Reason
from tests.docs.documents import ROOT
from tests.fakes.snapshots import COMMANDS, environment, snapshot

PACKAGE = "shown_commands"


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnyCommand:
    """Find the shown command as the bot finds its own."""
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "redeploy.py").write_text(example, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    [command] = find_commands(PACKAGE)
    for module in (PACKAGE, f"{PACKAGE}.redeploy"):
        monkeypatch.delitem(sys.modules, module)
    return command


def test_the_shown_command_decides(shown: AnyCommand) -> None:
    started = shown.plan(shown.bind(()), snapshot(environments=(environment(),), built=True))

    assert isinstance(started, StartRun)
    assert started.plan.names == ("deploy",)
    assert shown.plan(shown.bind(()), snapshot()) == Refuse(Reason.NO_ENVIRONMENT)


def test_the_shown_command_fits_beside_the_others(shown: AnyCommand) -> None:
    for example in shown.examples:
        [found] = parse(example, (*COMMANDS, shown))
        assert isinstance(found, Invocation)
        assert found.command is shown
