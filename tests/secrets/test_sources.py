"""The operator's secrets are read where the settings say, and masked from then on."""

import asyncio
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.core.results.masking import Masker
from bot.model.errors import GiveUp
from bot.model.reason import Reason
from bot.model.secrets import SecretProblem
from bot.secrets.sources import LARGEST, OperatorSecrets, SecretSource

GOOD = b"hunter2-9f86d081\n"


def file_with(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_the_value_of_a_file_or_a_variable_is_read_unchanged(tmp_path: Path) -> None:
    assert SecretSource("token", file_with(tmp_path, GOOD)).read() == GOOD
    assert SecretSource("token", variable="TOKEN").read({"TOKEN": "hunter22"}) == b"hunter22"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"abc\n", "is shorter than 4 characters, too short to be masked in logs"),
        (b"ab\0cd", "contains a NUL character"),
        (b"\xff" * 8, "is not UTF-8 text; store binary secrets in base64"),
        (b"x" * (LARGEST + 1), "is larger than 64 KiB"),
    ],
)
def test_an_odd_value_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = file_with(tmp_path, content)
    with pytest.raises(SecretProblem) as problem:
        SecretSource("token", file).read()
    assert str(problem.value) == f"{file} {why}"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
def test_a_file_for_everyone_is_refused(tmp_path: Path, mode: int) -> None:
    file = file_with(tmp_path, GOOD, mode)
    with pytest.raises(SecretProblem, match="every account; run `chmod o= "):
        SecretSource("token", file).read()


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretProblem, match="cannot be read: No such file or directory"):
        SecretSource("token", tmp_path / "none").read()
    with pytest.raises(SecretProblem, match="is not a regular file"):
        SecretSource("token", Path(os.devnull)).read()


def test_a_named_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SecretProblem, match="is not a regular file"):
        SecretSource("token", tmp_path / "pipe").read()
    with pytest.raises(SecretProblem, match="the variable TOKEN is not set"):
        SecretSource("token", variable="TOKEN").read({})


async def test_old_and_new_values_are_masked_after_a_rotation(tmp_path: Path) -> None:
    masker = Masker(["own-secret"])
    secrets = OperatorSecrets([SecretSource("token", file_with(tmp_path, b"the-old-value"))], masker)
    assert await secrets.read("token") == b"the-old-value"

    file_with(tmp_path, b"the-new-value")
    await secrets.learn()

    assert masker.mask("own-secret the-old-value the-new-value") == "*** *** ***"


async def test_a_secret_that_was_lost_since_the_start_is_the_operators_matter(tmp_path: Path) -> None:
    secrets = OperatorSecrets([SecretSource("token", tmp_path / "none")], Masker(()))
    await secrets.learn()
    for name in ("token", "other"):
        with pytest.raises(GiveUp) as error:
            await secrets.read(name)
        assert error.value.reason is Reason.SECRET_UNREADABLE
        assert str(tmp_path) not in str(error.value)


async def test_secrets_that_are_read_at_the_same_time_are_all_masked() -> None:
    masker = _Slow(())
    sources = [SecretSource(name, variable=name) for name in ("one", "two")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "one", "hunter2-1")
        patch.setitem(os.environ, "two", "hunter2-2")
        secrets = OperatorSecrets(sources, masker)
        await asyncio.gather(secrets.read("one"), secrets.read("two"))

    assert not masker.both.is_set(), "two threads change the masker"
    assert masker.mask("hunter2-1 hunter2-2") == "*** ***"


class _Slow(Masker):
    """A masker in which a second thread has time to come in while a first one learns."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._inside = 0
        self.both = threading.Event()
        super().__init__(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        self._inside += 1
        if self._inside > 1:
            self.both.set()
        self.both.wait(0.3)
        super().learn(secrets)
        self._inside -= 1
