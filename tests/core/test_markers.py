"""Markers: what the bot writes it reads again, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import markers
from bot.core.markers import Marker, Owner, ReadMarker
from bot.model.delivery import Trigger
from bot.model.forge import RepoPath
from bot.model.plan import Plan
from bot.model.run import Origin, Run
from bot.model.text import Language

MINE = Owner("chatops", "k3f9q2xa")
OTHER_STORE = Owner("chatops", "z9z9z9z9")
OTHER_BOT = Owner("staging", "k3f9q2xa")
RUN = Run(
    id=42,
    repo=RepoPath("team", "shop"),
    number=7,
    sha="a" * 40,
    plan=Plan(()),
    origin=Origin(Trigger.OPEN, ""),
    language=Language.EN,
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
    uid="x7k2p9",
)
PROGRESS = markers.of_run(RUN)
REPLY = markers.reply("0a1b" * 16, 2)


def test_a_marker_is_an_html_comment_that_names_run_and_store() -> None:
    assert PROGRESS.key == "<!-- chatops:run=42 -->"
    assert PROGRESS.text(MINE) == "<!-- chatops:run=42 uid=x7k2p9 by=chatops/k3f9q2xa -->"
    assert PROGRESS.text(MINE, unfinished=True) == (
        "<!-- chatops:run=42 uid=x7k2p9 by=chatops/k3f9q2xa unfinished -->"
    )
    assert REPLY.text(MINE) == "<!-- chatops:reply=0a1b0a1b0a1b0a1b-2 by=chatops/k3f9q2xa -->"


@given(
    marker=st.builds(
        Marker,
        st.from_regex(r"[a-z]{1,12}", fullmatch=True),
        st.from_regex(r"[A-Za-z0-9_]{1,20}(-[A-Za-z0-9_]{1,20})?", fullmatch=True),
        st.from_regex(r"([a-z0-9]{1,16})?", fullmatch=True),
    ),
    instance=st.from_regex(r"[a-z0-9][a-z0-9-]{0,30}", fullmatch=True),
    store=st.from_regex(r"[a-z2-9]{8}", fullmatch=True),
    unfinished=st.booleans(),
    words=st.text(),
)
def test_what_is_written_is_read(
    marker: Marker, instance: str, store: str, *, unfinished: bool, words: str
) -> None:
    owner = Owner(instance, store)
    line = marker.text(owner, unfinished=unfinished)

    found = markers.read(f"{words}\n\n{line}\r\n")

    assert "--" not in line.removeprefix("<!--").removesuffix("-->")
    assert found is not None
    assert (found.marker, found.unfinished) == (marker, unfinished)
    assert found.owner is not None
    assert found.owner.text == owner.text


def test_the_marker_of_an_earlier_version_has_no_owner() -> None:
    assert markers.read("words\n\n<!-- chatops:run=7 -->") == ReadMarker(
        Marker("run", "7"), None, unfinished=False
    )


@pytest.mark.attack
@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!-- chatops:run=7 -->\nwords",
        "> <!-- chatops:run=7 -->",
        "words <!-- chatops:run=7 -->",
        "<!-- chatops:run=7 --> <!-- chatops:run=8 -->",
        "<!-- chatops:run=7-->",
        "<!-- chatops:run= -->",
        "<!-- chatops:run=1--2 -->",
        "<!-- chatops:run=7 by=chatops -->",
        "<!-- chatops:run=7 by=Chatops/k3f9q2xa -->",
        "<!-- chatops:run=7 by=a--b/k3f9q2xa -->",
        "<!-- chatops:run=7 unfinished -->",
        "<!-- chatops:run=7 by=chatops/k3f9q2xa uid=x7k2p9 -->",
        "<!-- chatops:run=٧ -->",
        f"<!-- chatops:run={'7' * 400} -->",
        f"<!-- chatops:run=7 by=chatops/{'a' * 17} -->",
        f"<!-- chatops:run=7 by={'a' * 32}/k3f9q2xa -->",
        f"<!-- chatops:run=7 by={'a-' * 20}a/k3f9q2xa -->",
    ],
)
def test_nothing_else_is_a_marker(body: str) -> None:
    assert markers.read(body) is None


@given(st.text(alphabet="<!-- chatops:run=7by/\n>-.", max_size=2000))
def test_any_text_can_be_read(body: str) -> None:
    markers.read(body)


@pytest.mark.parametrize(
    ("kind", "identifier", "uid"),
    [
        ("run", "1 -->", ""),
        ("run", "1--2", ""),
        ("", "1", ""),
        ("run", "", ""),
        ("a=b", "1", ""),
        ("a", "1", "x y"),
    ],
)
def test_a_marker_cannot_be_closed_by_its_content(kind: str, identifier: str, uid: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        Marker(kind, identifier, uid)


@pytest.mark.parametrize("owner", [MINE, OTHER_STORE, OTHER_BOT])
def test_the_comment_of_a_run_is_found_by_its_uid(owner: Owner) -> None:
    assert PROGRESS.is_in(f"words\n\n{PROGRESS.text(owner)}", MINE)
    other = replace(PROGRESS, uid="000000")
    assert not PROGRESS.is_in(f"words\n\n{other.text(owner)}", MINE)
    assert not PROGRESS.is_in(f"words\n\n{PROGRESS.key}", MINE)
    assert not PROGRESS.is_in("words", MINE)


@pytest.mark.parametrize(("owner", "found"), [(MINE, True), (OTHER_STORE, True), (OTHER_BOT, False)])
def test_other_comments_belong_to_bots_of_one_instance(owner: Owner, *, found: bool) -> None:
    assert REPLY.is_in(f"words\n\n{REPLY.text(owner)}", MINE) is found


def test_the_comments_of_earlier_versions_are_found() -> None:
    assert REPLY.is_in(f"words\n\n{REPLY.key}", MINE)
    old = markers.of_run(replace(RUN, uid=""))
    assert old.is_in(f"words\n\n{old.key}", MINE)


def test_the_run_of_a_marker_is_known() -> None:
    assert (PROGRESS.run, PROGRESS.of_run) == (42, 42)
    failed = markers.of_run(RUN, "failed")
    assert (failed.run, failed.of_run) == (None, 42)
    assert (REPLY.run, REPLY.of_run) == (None, None)
    assert Marker("run", "x").run is None


def test_a_run_has_a_key_for_each_of_its_comments() -> None:
    assert markers.run_keys(42) == (
        "<!-- chatops:run=42 -->",
        "<!-- chatops:failed=42 -->",
        "<!-- chatops:ready=42 -->",
    )


def test_the_keys_of_a_delivery_share_a_prefix() -> None:
    for which in (0, 7, "hint"):
        assert markers.reply("one", which).key.startswith(markers.reply_keys("one"))
        assert not markers.reply("two", which).key.startswith(markers.reply_keys("one"))


def test_a_request_is_for_a_commit_and_a_branch() -> None:
    key = markers.request("a" * 40, "main").key
    assert key.startswith(markers.REQUEST)
    assert len({key, markers.request("a" * 40, "release").key, markers.request("b" * 40, "main").key}) == 3


@pytest.mark.parametrize(
    ("name", "identifier"),
    [("preview", "preview-7"), ("a-b", "a-b-7"), ("-".join("abcdefghijklmnopqrst"), None), ("a--b", None)],
)
def test_every_environment_that_can_be_configured_has_markers(name: str, identifier: str | None) -> None:
    marker = markers.of_environment("disk", name, 7)
    assert identifier in {None, marker.identifier}
    assert markers.read(marker.text(MINE)) == ReadMarker(marker, MINE, unfinished=False)


def test_environments_with_similar_names_have_markers_of_their_own() -> None:
    assert markers.of_environment("disk", "a--b", 7) != markers.of_environment("disk", "a-b", 7)
