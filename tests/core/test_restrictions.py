"""A preview that fails because it is restricted gets the reason that says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.results.last_lines import MOST, last_lines
from bot.core.results.restrictions import BY_OPERATOR, restricted_by
from bot.model.errors import TellUser
from bot.model.reason import Reason

FACTS = {"name": "app", "code": "1"}


def explained(output: str, reason: Reason = Reason.CONTAINER_EXITED) -> TellUser:
    return restricted_by(TellUser(reason, FACTS, log=output), BY_OPERATOR)


@pytest.mark.parametrize(
    "output",
    [
        '[emerg] open() "/var/log/nginx/access.log" failed (30: Read-only file system)',
        "Error: EROFS: read-only file system, open 'visits.txt'",
        "OSError: [Errno 30] Read-only file system: 'db.sqlite3'\n\nshutting down",
        "java.nio.file.FileSystemException: /app/cache: Read-only file system",
    ],
)
def test_a_write_to_a_read_only_file_system_is_recognised(output: str) -> None:
    error = explained(output)

    assert (error.reason, error.facts) == (Reason.READ_ONLY, {**FACTS, "setting": BY_OPERATOR})
    assert error.log == output


@pytest.mark.parametrize(
    "output",
    [
        "chown: .: Operation not permitted",
        "[emerg] 7#7: setgid(33) failed (1: Operation not permitted)",
        "su: can't set groups: Operation not permitted",
        'error: failed switching to "redis": setgroups: operation not permitted',
        "PermissionError: [Errno 1] EPERM: setuid",
        "install: chown /data: Permission denied",
    ],
)
def test_a_change_of_user_or_owner_is_recognised(output: str) -> None:
    assert explained(output).reason is Reason.NOT_PERMITTED


def test_a_repository_that_restricts_itself_is_told_of_no_setting_of_the_operator() -> None:
    error = restricted_by(TellUser(Reason.NO_HTTP, FACTS, log="EROFS"))

    assert (error.reason, error.facts) == (Reason.READ_ONLY, FACTS)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", Reason.CONTAINER_EXITED),
        ("open /etc/shadow: permission denied", Reason.CONTAINER_EXITED),
        ("KeyError: 'DATABASE_URL'", Reason.CONTAINER_EXITED),
        ("Read-only file system", Reason.OUT_OF_MEMORY),
    ],
)
def test_other_failures_keep_their_reason(output: str, reason: Reason) -> None:
    error = TellUser(reason, FACTS, log=output)

    assert restricted_by(error, BY_OPERATOR) is error


@given(st.text(), st.integers(0, 200))
def test_last_lines_are_few_and_short(text: str, times: int) -> None:
    found = last_lines(f"{text}\n" * times)

    assert len(found) <= MOST
    assert all(line.strip() and len(line) <= 500 for line in found)
