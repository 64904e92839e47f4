"""OWNERS names people, or nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pipeline.config_file import MAX_BYTES
from bot.pipeline.owners import approvers

pytestmark = pytest.mark.attack

KUBERNETES = b"""\
# See the OWNERS docs
approvers:
  - wang
  - Zhao-1
  - core-team
reviewers:
  - stranger
"""
BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n" % (one, one, *(one - 1,) * 9)
    for one in range(ord("b"), ord("j"))
)


def test_approvers_are_named_and_aliases_replaced() -> None:
    aliases = b"aliases:\n  Core-Team: [qian, WANG, wang]\n  other: [sun]\n"
    assert approvers(KUBERNETES, None) == ("wang", "Zhao-1", "core-team")
    assert approvers(KUBERNETES, aliases) == ("wang", "Zhao-1", "qian", "WANG")


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\n# nothing\n",
        b"approvers:\n",
        b"approvers: wang\n",
        b"approvers: {wang: yes}\n",
        b"approvers: [[wang], {wang: wang}, ~]\n",
        b"reviewers: [wang]\n",
        b"filters:\n  '.*':\n    approvers: [wang]\n",
        b"Approvers: [wang]\n",
        b"- wang\n",
        b"wang\n",
        b"approvers: [wang\n",
        b"approvers: [wang]\napprovers: [mei]\n",
        b"approvers: [wang]\n---\napprovers: [mei]\n",
        b"approvers: !!python/object/apply:os.system [wang]\n",
        b"approvers: [*nobody]\n",
        b"approvers: [wang]\n\xff\n",
        b"approvers: [wang]\n" + b"#" * MAX_BYTES,
        b"approvers: [" + b"wang, " * 9000 + b"]\n",
        b"approvers: " + b"[" * 5000 + b"\n",
        BOMB + b"approvers: *i\n",
        "approvers: ['@wang', 'wang mei', '\u212aevin', 'l\u0131n', 'wa\u200bng', '*', '']\n".encode(),
    ],
    ids=lambda content: None if content is None else repr(content[:40]),
)
def test_what_is_not_a_list_of_logins_in_a_small_yaml_file_names_nobody(content: bytes | None) -> None:
    assert approvers(content, None) == ()


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        (b"", ("core-team",)),
        (b"aliases:\n", ("core-team",)),
        (b"aliases: {core-team: }\n", ()),
        (b"aliases: {core-team: wang}\n", ()),
        (b"aliases: {CORE-TEAM: []}\n", ()),
        (b"aliases: [core-team]\n", ()),
        (b"core-team: [wang]\n", ("core-team",)),
        (b"aliases: {core-team: [core-team]}\n", ("core-team",)),
        (b"aliases: {core-team: [wang]\n", ()),
        (b"\xff", ()),
        (b"#" * (MAX_BYTES + 1), ()),
    ],
)
def test_an_account_with_the_name_of_an_alias_gains_nothing(
    aliases: bytes, expected: tuple[str, ...]
) -> None:
    assert approvers(b"approvers: [core-team]\n", aliases) == expected


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_file_breaks_the_reader(owners: bytes, aliases: bytes) -> None:
    assert all(login.isascii() for login in approvers(owners, aliases))
