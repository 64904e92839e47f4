"""Which files of a commit are copied into a service."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.deciding.service_files import LARGEST_OF_ALL, MOST, Chosen, Room, chosen, room, too_large
from bot.model.errors import TellUser
from bot.model.forge import Tree
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason

TREE = Tree(("db/init/1.sql", "db/init/a/2.sh", "db/initial", "nginx.conf"), ("db/lib",), ("web/link",))


def test_folders_keep_their_shape_and_files_get_the_name_of_their_place() -> None:
    wanted = {"/init": "./db/init/", "/etc/nginx/nginx.conf": "nginx.conf"}
    assert chosen("db", wanted, TREE).files == {
        "/init/1.sql": "db/init/1.sql",
        "/init/a/2.sh": "db/init/a/2.sh",
        "/etc/nginx/nginx.conf": "nginx.conf",
    }


def test_what_is_not_there_and_submodules_are_named() -> None:
    found = chosen("db", {"/x": "db", "/y": "gone"}, TREE)
    assert (found.missing, found.submodules) == (("gone",), ("db/lib",))
    assert len(found.files) == 3
    assert chosen("db", {"/x": "."}, Tree(("a",))).files == {"/x/a": "a"}
    assert chosen("db", {}, TREE) == Chosen()


def refused(wanted: dict[str, str], tree: Tree) -> TellUser:
    with pytest.raises(TellUser) as caught:
        chosen("db", wanted, tree)
    return caught.value


@pytest.mark.attack
@pytest.mark.parametrize("source", ["web", "web/link", "."])
def test_links_are_refused_by_name(source: str) -> None:
    error = refused({"/x": source}, TREE)
    assert (error.reason, error.facts) == (Reason.FILE_REFUSED, {"name": "db", "path": "web/link"})


@pytest.mark.attack
@pytest.mark.parametrize(
    "path", ["a/../../etc/passwd", "a/./b", "a//b", "a/b:c", "a/b\nc", "a/\0", "a/\ufffd"]
)
def test_names_that_lead_elsewhere_are_refused(path: str) -> None:
    facts = refused({"/x": "a"}, Tree((path,))).facts
    assert facts == {"name": "db", "path": path.replace("\0", "?")}


@pytest.mark.attack
def test_the_number_of_files_is_bounded() -> None:
    files = tuple(f"a/{number}" for number in range(MOST + 1))
    assert len(chosen("db", {"/x": "a"}, Tree(files[1:])).files) == MOST
    error = refused({"/x": "a"}, Tree(files))
    assert (error.reason, error.facts) == (Reason.FILES_TOO_MANY, {"name": "db", "limit": "100"})


@pytest.mark.attack
@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "c:d"]), min_size=1, max_size=5))
def test_every_path_stays_below_its_place(parts: list[str]) -> None:
    path = "/".join(["a", *parts])
    try:
        files = chosen("db", {"/srv/x": "a"}, Tree((path,))).files
    except TellUser:
        return
    assert all(target.startswith("/srv/x/") and ".." not in target.split("/") for target in files)


def test_the_limit_is_that_of_the_runner() -> None:
    assert too_large(room("db", RunnerName.KUBERNETES, {}), "a").facts["limit"] == "700 KiB"
    assert too_large(room("db", RunnerName.DOCKER, {}), "a").facts["limit"] == "16 MiB"


@pytest.mark.attack
def test_all_services_together_have_no_more_than_one_may_have() -> None:
    assert room("db", RunnerName.DOCKER, {"a": 1, "b": 2}) == Room("a, b, db", 16 << 20, (16 << 20) - 3)
    assert room("db", RunnerName.KUBERNETES, {"a": 1}).names == "db"
    assert room("db", RunnerName.KUBERNETES, {"a": LARGEST_OF_ALL}).left == 0
