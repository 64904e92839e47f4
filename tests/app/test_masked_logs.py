"""What the bot's own process logs has no secrets."""

import logging
import subprocess
import sys
from typing import NoReturn

import pytest

from bot.app.process import masked_logs
from bot.core.results.masking import Masker

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
