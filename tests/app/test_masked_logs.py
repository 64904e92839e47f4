"""What the bot's own process logs has no secrets."""

import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from bot import cli
from bot.app.process import masked_logs
from bot.core.results.masking import Masker
from bot.settings.model import Settings

SECRET = "hunter2-9f86d081"

logger = logging.getLogger(__name__)


def fails() -> NoReturn:
    raise subprocess.CalledProcessError(1, ["psql", f"--password={SECRET}"])


@pytest.mark.attack
def test_a_traceback_and_a_message_show_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    root, handler = logging.getLogger(), logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root.addHandler(handler)
    masker = Masker(())
    try:
        with masked_logs(masker):
            masker.learn([SECRET])
            try:
                fails()
            except subprocess.CalledProcessError:
                logger.exception("a step failed: %s", SECRET)
        logger.warning("afterwards")
    finally:
        root.removeHandler(handler)

    said = capsys.readouterr().err
    assert SECRET not in said
    assert "ERROR a step failed: ***" in said
    assert "'--password=***'" in said
    assert "WARNING afterwards" in said


@asynccontextmanager
async def opened(_: Settings, masker: Masker) -> AsyncIterator[None]:
    """Log a secret while the adapters are opened and closed, and fail with it."""
    masker.learn([SECRET])
    logger.warning("opens %s", SECRET)
    yield
    logger.warning("closes %s", SECRET)
    raise RuntimeError(f"cannot close {SECRET}")


async def run_nothing(*_: object) -> None:
    """Be a bot that ends at once."""


@pytest.mark.attack
def test_the_start_and_the_end_of_the_bot_show_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cli, "open_adapters", opened)
    monkeypatch.setattr(cli, "_run", run_nothing)

    result = CliRunner().invoke(cli.main, ["serve"], env={"CHATOPS_SERVER__DATA_DIR": str(tmp_path)})

    assert SECRET not in caplog.text + result.output
    assert "opens ***" in caplog.text
    assert "closes ***" in caplog.text
    assert "Error: cannot close ***" in result.output
