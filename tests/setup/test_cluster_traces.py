"""What the test cluster leaves in the kernel: found exactly, so that nothing else is removed."""

import json
from pathlib import Path

import pytest

from tests.cluster.local import traces

RULES = """\
-P FORWARD DROP
-N DOCKER
-N KUBE-FORWARD
-N KUBE-SERVICES
-N NOT-KUBE-MINE
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -j DOCKER
-A DOCKER -m comment --comment "not for -j KUBE" -j ACCEPT
-A NOT-KUBE-MINE -j RETURN
-A KUBE-SERVICES -j KUBE-FORWARD
"""
MOUNTS = """\
/dev/vda /state/kubelet ext4 rw 0 0
tmpfs /state/kubelet/pods/a/volumes/my\\040secret tmpfs rw 0 0
tmpfs /state/kubelet-other tmpfs rw 0 0
proc /proc proc rw 0 0
"""


def test_chains_are_removed_after_the_rules_that_jump_to_them() -> None:
    assert traces.removals(RULES) == [
        ["-D", "FORWARD", "-m", "comment", "--comment", "kubernetes forwarding rules", "-j", "KUBE-FORWARD"],
        ["-F", "KUBE-FORWARD"],
        ["-F", "KUBE-SERVICES"],
        ["-X", "KUBE-FORWARD"],
        ["-X", "KUBE-SERVICES"],
    ]


def test_a_table_without_such_chains_is_not_changed() -> None:
    assert traces.removals("-P INPUT ACCEPT\n-N DOCKER\n-A INPUT -j DOCKER\n") == []


def test_inner_mounts_are_removed_first() -> None:
    assert traces.mounted_at(Path("/state/kubelet"), MOUNTS) == [
        "/state/kubelet/pods/a/volumes/my secret",
        "/state/kubelet",
    ]


@pytest.fixture
def sysctls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sys"
    folder.mkdir()
    monkeypatch.setattr(traces, "SYSCTLS", folder)
    monkeypatch.setattr(traces, "CHANGED_SYSCTLS", ("panic", "absent"))
    (folder / "panic").write_text("1\n")
    return folder


def test_sysctls_are_restored_and_created_folders_removed(
    tmp_path: Path, sysctls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, kept, before = tmp_path / "made", tmp_path / "kept", tmp_path / "before.json"
    kept.mkdir()
    monkeypatch.setattr(traces, "MADE", (str(made), str(kept), str(tmp_path / "never")))
    traces.remember(before)
    (sysctls / "panic").write_text("10\n")
    (made / "below").mkdir(parents=True)
    traces.restore(before)
    assert (sysctls / "panic").read_text() == "1\n"
    assert not made.exists()
    assert kept.exists()
    assert json.loads(before.read_text())["sysctls"] == {"panic": "1\n"}
