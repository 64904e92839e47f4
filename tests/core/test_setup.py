"""The title of a command of the setup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.environments.setup import LONGEST, title


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("python3 manage.py migrate", "python3 manage.py migrate"),
        ("\n\n  psql   <<END\nselect 1;\nEND\n", "psql <<END …"),
        ("a\n\n", "a"),
        ("", ""),
        ("x" * 100, "x" * 79 + "…"),
    ],
)
def test_a_command_is_one_short_line(command: str, shown: str) -> None:
    assert title(command) == shown


@given(st.text())
def test_any_text_has_a_short_title_of_one_line(command: str) -> None:
    found = title(command)
    assert len(found) <= LONGEST
    assert len(found.splitlines()) <= 1
