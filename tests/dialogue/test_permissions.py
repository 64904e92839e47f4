"""Who may use a command: rules of the operator by level, by name and by OWNERS."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.app.audit import audit_records
from bot.model.audit import AuditFilter
from bot.settings.load import load
from playground.git_repositories import Files
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import CHANGE, REPO

IDLE = (
    "version: 1\non: {open: [], update: [], close: []}\n"
    "deploy: {environments: {staging: {}, production: {}}}\n"
)
MEI = "approvers: [mei]\n"
BY_OWNERS = '[permissions]\nbuild = "owners"\n'


async def governed(
    tester: OfflineTester, rules: str, config: str = IDLE, *, owners: str | None = None, files: Files = CHANGE
) -> None:
    """Restart the bot with these permissions, as an operator writes them, and open a pull request."""
    file = Path(tester.settings.server.data_dir) / "permissions.toml"
    file.write_text(rules)
    if owners is not None:
        await tester.gitee.commit(REPO, "master", {"OWNERS": owners}, by="lin")
    await tester.configure(config)
    await tester.restart(permissions=load(file, {}).permissions)
    await tester.open(files=files)


async def test_a_named_person_may_without_write_access(tester: OfflineTester) -> None:
    await governed(tester, '[permissions]\nbuild = ["@Stranger", "admin"]\n')
    assert "Image built" in await tester.says("/build", by="stranger")
    said = await tester.says("/build", by="mei")
    assert "mei may not run this command; it is for repository administrators or `Stranger`." in said
    assert "@" not in said.replace("@\u200b", "").replace("@mei", "")


async def test_a_named_person_is_answered_where_other_outside_contributors_are_not(
    tester: OfflineTester,
) -> None:
    comments = replace(tester.settings.comments, strangers="silent")
    await tester.restart(comments=comments)
    await governed(tester, '[permissions]\nbuild = "@stranger"\n')
    await tester.comment("/status", by="stranger")
    await tester.says_nothing()
    assert "Image built" in await tester.says("/build", by="stranger")


async def test_an_approver_in_owners_may(tester: OfflineTester) -> None:
    await governed(tester, BY_OWNERS, owners=MEI)
    assert "Image built" in await tester.says("/build", by="mei")
    said = await tester.says("/build", by="lin")
    assert "it is for the approvers in `OWNERS`. People here who may use it: `mei`." in " ".join(said.split())


async def test_owners_is_read_again_once_it_has_changed(tester: OfflineTester) -> None:
    await governed(tester, BY_OWNERS, owners=MEI)
    assert "Image built" in await tester.says("/build", by="mei")
    await tester.gitee.commit(REPO, "master", {"OWNERS": "approvers: [lin]\n"}, by="lin")
    await tester.open()
    assert "mei may not run this command" in await tester.says("/build", by="mei")
    assert "Image built" in await tester.says("/build", by="lin")


@pytest.mark.attack
async def test_owners_of_the_pull_request_do_not_count(tester: OfflineTester) -> None:
    await governed(tester, BY_OWNERS, owners="approvers: [lin]\n", files={"OWNERS": MEI})
    assert "mei may not run this command" in await tester.says("/build", by="mei")
    assert tester.world.built == []


@pytest.mark.attack
async def test_owners_of_a_base_branch_without_a_review_do_not_count(tester: OfflineTester) -> None:
    await governed(tester, BY_OWNERS, owners="approvers: [lin]\n")
    await tester.gitee.commit(REPO, "mine", {"OWNERS": MEI}, by="mei")
    await tester.gitee.retarget(REPO, tester.number, "mine", by="mei")
    assert "mei may not run this command" in await tester.says("/build", by="mei")
    assert tester.world.built == []


@pytest.mark.attack
@pytest.mark.parametrize(
    "owners",
    [None, "approvers: [mei", "reviewers: [mei]\n", MEI + "#" * (10 << 20), "a: &a [mei]\napprovers: [*a]\n"],
    ids=["missing", "broken", "reviewer", "10 MB", "nested"],
)
async def test_owners_that_cannot_be_used_give_nobody_the_right(
    tester: OfflineTester, owners: str | None
) -> None:
    await governed(tester, BY_OWNERS, owners=owners)
    for person in ("mei", "lin"):
        said = await tester.says("/build", by=person)
        assert "the approvers in `OWNERS` on the base branch, which names none that the bot can read." in said
    assert tester.world.built == []


@pytest.mark.attack
async def test_an_account_with_the_name_of_an_alias_is_no_approver(tester: OfflineTester) -> None:
    await tester.gitee.commit(REPO, "master", {"OWNERS_ALIASES": "aliases: {stranger: [mei]}\n"}, by="lin")
    await governed(tester, BY_OWNERS, owners="approvers: [stranger]\n")
    assert "stranger may not run this command" in await tester.says("/build", by="stranger")
    assert "Image built" in await tester.says("/build", by="mei")


@pytest.mark.attack
@pytest.mark.parametrize("rule", ['"@stranger"', '["anyone", "@STRANGER", "owners"]', '"owners"'])
async def test_no_rule_lets_anyone_without_write_access_approve(tester: OfflineTester, rule: str) -> None:
    await governed(
        tester, f"[permissions]\nok-to-test = {rule}\nbuild = {rule}\n", owners="approvers: [stranger]\n"
    )
    await tester.open("stranger", from_fork=True)
    said = await tester.says(f"/ok-to-test {tester.head}\n/build", by="stranger")
    assert "it is for people with write access" in said
    assert "is not trusted yet" in said
    assert tester.world.built == []


async def test_only_named_people_approve_and_only_while_they_are_named(tester: OfflineTester) -> None:
    await governed(tester, '[permissions]\nok-to-test = "owners"\n', owners=MEI)
    await tester.open("stranger", from_fork=True)
    approve = f"/ok-to-test {tester.head}"
    assert "lin may not run this command" in await tester.says(approve, by="lin")
    assert "mei" in await tester.says(approve, by="mei")
    await tester.gitee.commit(REPO, "master", {"OWNERS": "approvers: [lin]\n"}, by="lin")
    await tester.comment("/build", by="stranger")
    assert "mei, who approved this commit, may no longer approve." in "\n".join(await tester.read_all())


@pytest.mark.parametrize(
    ("rule", "needed"),
    [
        ('"admin"', "Only repository administrators can approve it"),
        ('["@lin", "owners"]', "Only `lin` or the approvers in `OWNERS` can approve it"),
    ],
)
async def test_who_may_approve_is_named_where_write_access_is_not_enough(
    tester: OfflineTester, rule: str, needed: str
) -> None:
    await governed(tester, f"[permissions]\nok-to-test = {rule}\n", IDLE.replace("open: []", "open: [build]"))
    await tester.read_all()
    await tester.open("stranger", from_fork=True)
    asked = await tester.read()
    assert f"{needed}. Review [exactly these changes]" in asked
    assert needed in await tester.says("/status")
    said = await tester.says("/build", by="mei")
    helpers = ", here for example `lin`" if rule == '"admin"' else ""
    assert f"{needed}{helpers}: review the changes and comment `/ok-to-test" in said


async def test_an_environment_has_a_rule_of_its_own(tester: OfflineTester) -> None:
    rules = '[permissions]\n"deploy production" = "@lin"\n"teardown production" = "@lin"\n'
    await governed(tester, rules)
    said = await tester.says("/deploy production", by="mei")
    assert "mei may not run this command on `production`; it is for `lin`." in said
    assert "ready" in await tester.says("/deploy staging", by="mei")
    assert "ready" in await tester.says("/deploy production", by="lin")
    assert "may not run this command on `production`" in await tester.says("/teardown", by="mei")
    assert "torn down" in await tester.says("/teardown staging", by="mei")
    assert "torn down" in await tester.says("/teardown", by="lin")
    assert "- On `production`: `lin`." in await tester.says("/help deploy", by="mei")


async def test_an_automatic_run_leaves_a_protected_environment_out(tester: OfflineTester) -> None:
    config = IDLE.replace("open: []", "open: [build, deploy production, deploy staging]")
    await governed(tester, '[permissions]\n"deploy production" = ["@lin", "admin"]\n', config)
    said = await tester.read()
    assert "leaves out `/deploy production`" in said
    assert {key.name for key in tester.world.deployed} == {"staging"}


async def test_the_run_after_an_approval_leaves_a_protected_environment_out(tester: OfflineTester) -> None:
    config = IDLE.replace("open: []", "open: [build, deploy production, deploy staging]")
    await governed(tester, '[permissions]\n"deploy production" = "@lin"\n', config)
    await tester.read_all()
    await tester.opened_by_stranger()
    await tester.comment("/ok-to-test", by="lin")
    assert "leaves out `/deploy production`" in " ".join(await tester.read_all())
    tried = [one async for one in audit_records(tester.settings, AuditFilter(refused=True))]
    assert [(one.action, one.details, one.who, one.facts) for one in tried if one.details] == [
        ("run", "deploy production", "mei", {"environment": "production"}),
        ("run", "deploy production", "lin", {"environment": "production"}),
    ]


async def test_teams_have_rules_of_their_own(tester: OfflineTester) -> None:
    rules = '[permissions]\nbuild = "admin"\n[permissions."team/api"]\nbuild = "@stranger"\n'
    await governed(tester, rules)
    said = await tester.says("/build", by="stranger")
    assert "stranger may not run this command; it is for repository administrators." in said
    assert "People here who may use it: `lin`." in said
    rules = rules.replace("team/api", "TEAM/s*")
    await governed(tester, rules)
    assert "Image built" in await tester.says("/build", by="stranger")
    assert "it is for `stranger`" in await tester.says("/build", by="lin")
