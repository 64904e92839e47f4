"""The rules in a network namespace of their own, with the real iptables."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.runners.docker.firewall import Firewall, preview_rules
from bot.runners.docker.network import bridge_prefix
from tests.real.parts import PATIENCE

pytestmark = [pytest.mark.docker, pytest.mark.attack]

PREVIEWS = f"-i {bridge_prefix('t')}+"
METADATA = ("169.254.0.0/16", "100.100.100.200/32")


@pytest.fixture(scope="module")
def rules() -> dict[str, list[str]]:
    """Return the rules after each step of the program."""
    program = ("unshare", "--net", sys.executable, "-m", "tests.runners.firewall_in_network")
    root = Path(__file__).parents[2]
    ended = subprocess.run(program, cwd=root, capture_output=True, check=False, timeout=PATIENCE)  # noqa: S603 - constants
    assert ended.returncode == 0, ended.stderr.decode()
    found: dict[str, list[str]] = json.loads(ended.stdout)
    assert len(found["before"]) == 3
    assert all(set(found["before"]) <= set(lines) for lines in found.values()), "those of others stay"
    return {step: [line for line in lines if line not in found["before"]] for step, lines in found.items()}


def having(lines: list[str], *words: str) -> int:
    return sum(any(word in line for word in words) for line in lines)


def test_rules_are_set_once(rules: dict[str, list[str]]) -> None:
    built = rules["built"]
    assert len(built) == 5
    assert [having(built, word) for word in (PREVIEWS, "! --dports 53 ", *METADATA)] == [1, 2, 1, 1]
    assert rules["built again"] == built


def test_changed_ports_count_and_those_of_earlier_settings_do_not(rules: dict[str, list[str]]) -> None:
    assert having(rules["started with other ports"], "! --dports 53 ") == 0
    built = rules["built with other ports"]
    assert len(built) == 5
    assert having(built, "! --dports 53,8080 ") == 2
    assert having(built, *METADATA) == 2


def test_what_a_killed_bot_has_left_ends_at_the_next_start(rules: dict[str, list[str]]) -> None:
    [left] = rules["started without a network for builds"]
    assert PREVIEWS in left
    assert rules["started without a firewall"] == []


async def test_a_rule_is_there_before_its_cancellation_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, done = tmp_path / "started", tmp_path / "done"
    os.mkfifo(tmp_path / "go")
    go = os.open(tmp_path / "go", os.O_RDWR)
    program = tmp_path / "iptables"
    program.write_text(f"#!/bin/sh\ntouch {started}\nread go < {tmp_path}/go\ntouch {done}\n")
    program.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    setting = asyncio.create_task(Firewall("t", preview_rules("br")).ensure())
    async with asyncio.timeout(PATIENCE):
        while not started.exists():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
    setting.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    early = setting.done()
    os.write(go, b"go\n" * 2)
    with pytest.raises(asyncio.CancelledError):
        await setting
    os.close(go)
    assert not early
    assert done.exists()


def test_nothing_stays_after_a_purge(rules: dict[str, list[str]]) -> None:
    assert rules["removed"] == []
