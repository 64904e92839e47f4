"""The doctor's check of Helm: its version, and whether it is on the PATH."""

from pathlib import Path

import pytest

from bot.doctor import helm
from bot.doctor.findings import DoctorOptions, State
from bot.settings.model import Settings


@pytest.mark.parametrize(
    ("answer", "state", "expected"),
    [
        ("v3.14.0+g3fc9f4b", State.FINE, "Helm v3.14.0"),
        ("v4.0.1", State.FINE, "Helm v4.0.1"),
        ("v3.8.0", State.FINE, "Helm v3.8.0"),
        ("v3.7.2+g663a896", State.WRONG, "Helm v3.7.2 is too old"),
        ("v2.17.0", State.WRONG, "too old"),
        ("Client: ?", State.WRONG, "does not report its version: Client: ?"),
    ],
)
def test_helm_3_8_and_newer_pass(answer: str, state: State, expected: str) -> None:
    found = helm.version_finding(answer)

    assert found.state is state
    assert expected in found.found.en


async def test_the_helm_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program = tmp_path / "helm"
    program.write_text('#!/bin/sh\n[ "$1 $2" = "version --short" ] && echo v3.10.1+gabc\n')
    program.chmod(0o755)
    [found] = await helm.check(DoctorOptions(Settings()))
    assert (found.state, found.found.en) == (State.FINE, "Helm v3.10.1")

    program.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    [found] = await helm.check(DoctorOptions(Settings()))
    assert found.state is State.NOTE
