"""The memory limit of the bot's pod is enough for all that pull requests can make the bot take at once."""

from pathlib import Path

import pytest
import yaml

from bot.model.limits import MOST_MEMORY
from bot.runners.kubernetes import helm
from bot.sandbox import process

VALUES = Path(__file__).parents[2] / "deploy/chart/values.yaml"


def mebibytes(text: str) -> int:
    """Return the bytes of a quantity such as `192Mi`."""
    return int(text.removesuffix("Mi")) << 20


@pytest.mark.attack
def test_the_chart_gives_the_bot_what_its_limits_allow_others() -> None:
    resources = yaml.safe_load(VALUES.read_text("utf-8"))["resources"]
    itself, most = (mebibytes(resources[kind]["memory"]) for kind in ("requests", "limits"))
    assert itself + process.PROCESSES * MOST_MEMORY + helm.RENDERINGS * helm.MEMORY <= most
