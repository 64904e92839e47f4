"""Attacks through forks: others than people with write access have pushed what a pull request brings."""

from dataclasses import replace
from typing import Any

import pytest

from bot.settings.model import Settings
from playground import branches, pulls
from playground.state import Repository
from tests.attack.approving import approves, built, refused
from tests.dialogue.conftest import no_machine_clock, settings, templates_compiled_once, tester
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO

__all__ = ["no_machine_clock", "settings", "templates_compiled_once", "tester"]


async def opened_from(scene: OfflineTester, **members: Any) -> str:
    """Open a pull request of mei from her fork, to which these people have access; return the reply."""
    await scene.gitee.fork(REPO, "mei")
    for login, permission in members.items():
        scene.gitee.set_permission("mei/shop", login, permission)
    return await scene.opened("mei", from_fork=True)


async def test_who_may_push_only_to_a_writers_fork_runs_nothing(tester: OfflineTester) -> None:
    said = await opened_from(tester, stranger="write")
    assert "stranger may push to the fork `mei/shop`, but not to this repository." in said
    await tester.push(by="stranger")
    await tester.read_all()
    await refused(tester, "/build", by="mei")
    assert await tester.runs() == []
    await approves(tester, tester.head)


async def test_who_becomes_a_collaborator_of_a_fork_later_runs_nothing(tester: OfflineTester) -> None:
    assert "2 tests passed" in await opened_from(tester)
    honest = tester.head
    tester.gitee.set_permission("mei/shop", "stranger", "admin")
    evil = await tester.push(by="stranger")
    assert f"/ok-to-test {evil}\n" in await tester.read()
    await refused(tester, "/deploy")
    assert set(built(tester)) == {honest}
    await approves(tester, evil)


@pytest.mark.parametrize("members", [{"stranger": "read"}, {"lin": "admin"}, {"lin": "write"}])
async def test_a_fork_that_only_writers_may_push_to_is_trusted(
    tester: OfflineTester, members: dict[str, Any]
) -> None:
    assert "2 tests passed" in await opened_from(tester, **members)


async def test_a_collaborator_of_a_fork_who_loses_write_access_makes_it_untrusted(
    tester: OfflineTester,
) -> None:
    tester.gitee.set_permission(REPO, "stranger", "write")
    assert "2 tests passed" in await opened_from(tester, stranger="write")
    tester.gitee.set_permission(REPO, "stranger", None)
    evil = await tester.push(by="stranger")
    assert f"/ok-to-test {evil}\n" in await tester.read()
    assert evil not in built(tester)


def _moved(scene: OfflineTester, owner: str) -> Repository:
    """Move mei's fork to another namespace."""
    forge = scene.gitee.forge
    fork = forge.world.repositories.pop("mei/shop")
    before, fork.owner = forge.git(fork).path, owner
    after = forge.git(fork).path
    after.parent.mkdir(parents=True, exist_ok=True)
    before.rename(after)
    fork.members["mei"] = "admin"
    forge.world.repositories[fork.full_name.lower()] = fork
    return fork


async def test_a_fork_in_another_namespace_is_not_its_authors_own(tester: OfflineTester) -> None:
    await tester.gitee.fork(REPO, "mei")
    fork = _moved(tester, "meis-club")
    forge, mei = tester.gitee.forge, tester.gitee.forge.user("mei")
    await branches.commit(forge, fork, "cart", {"app.py": "1\n"}, by=mei, message="Cart\n")
    pull = await pulls.open_pull(forge, tester.gitee.repository(REPO), fork, "cart", by=mei, title="Cart")
    tester.number = pull.number
    assert "the fork `meis-club/shop` is not in the namespace of mei" in await tester.read()
    await refused(tester, "/build", by="mei")
    await approves(tester, tester.head)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_fork_whose_collaborators_cannot_be_read_needs_an_approval(
    tester: OfflineTester, status: int
) -> None:
    await tester.gitee.fork(REPO, "mei")
    tester.gitee.faults.add("GET", "/repos/mei/shop(/collaborators)?$", times=99, status=status)
    said = await tester.opened("mei", from_fork=True)
    assert "the bot cannot see who may push to the fork `mei/shop`" in said
    assert "becomes a member of the fork" in said
    await refused(tester, "/build", by="mei")
    tester.gitee.faults.clear()
    await approves(tester, tester.head)


async def test_the_operator_may_trust_namespaces(tester: OfflineTester, settings: Settings) -> None:
    await tester.restart(repos=replace(settings.repos, trust_forks="namespace"))
    assert "2 tests passed" in await opened_from(tester, stranger="write")


async def test_logins_differ_only_in_case(tester: OfflineTester) -> None:
    await tester.gitee.fork(REPO, "mei")
    tester.gitee.repository("mei/shop").owner = "Mei"
    assert "2 tests passed" in await tester.opened("mei", from_fork=True)
