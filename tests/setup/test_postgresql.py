"""PostgreSQL for tests: its package is installed only if missing, and creates no cluster."""

from pathlib import Path

import postgresql
import pytest


def test_the_package_is_needed_only_without_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "INSTALLED", tmp_path)
    assert postgresql.packages() == ["postgresql"]
    (tmp_path / "15" / "bin").mkdir(parents=True)
    (tmp_path / "15" / "bin" / "postgres").touch()
    assert postgresql.packages() == []


@pytest.mark.parametrize("there", [False, True])
def test_no_cluster_is_created_and_the_setting_is_removed_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    folder = tmp_path / "postgresql-common" / "createcluster.d"
    if there:
        folder.mkdir(parents=True)
    monkeypatch.setattr(postgresql, "CLUSTERS", folder)
    with postgresql.no_service():
        assert [file.read_text() for file in folder.iterdir()] == ["create_main_cluster = false\n"]
    assert folder.exists() == there
