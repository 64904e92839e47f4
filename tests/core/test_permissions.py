"""Rules for commands: which one applies, whom it fits, and which environments it protects."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.admission import environments
from bot.core.admission.permissions import Entry, Person, Policy, Rule, described, fits
from bot.core.language.command import PermissionLevel
from bot.model.environment import EnvironmentState, Extension
from bot.model.forge import Permission, RepoPath
from bot.model.outcome import Extend, Ignore, StartRun, Wake
from bot.model.pipeline import EnvironmentConfig, Pipeline
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from tests.fakes.snapshots import COMMANDS, NOW, REPO, decide, environment, policy_of, run, snapshot

NONE, READ, WRITE, ADMIN = Permission
ANYONE, CONTRIBUTOR, WRITERS, ADMINS = PermissionLevel
BY_NAME = {command.name: command for command in COMMANDS}
STAGED = replace(
    Pipeline(),
    deploy=replace(
        Pipeline().deploy, environments={name: EnvironmentConfig() for name in ("staging", "production")}
    ),
)
LIN = Rule(people=("Lin",))
RULES = st.builds(
    Rule,
    st.sampled_from([None, *PermissionLevel]),
    st.lists(st.sampled_from(["lin", "LIN", "mei", "wang"]), max_size=2).map(tuple),
    st.booleans(),
)
PEOPLE = st.builds(
    Person,
    st.sampled_from(["lin", "Mei", "stranger", "\u212aevin", "l\u0131n"]),
    st.sampled_from(Permission),
    st.booleans(),
    st.booleans(),
)


def refused(body: str, rules: dict[str, PermissionLevel | Rule], **how: object) -> dict[str, str] | None:
    """Return the facts of the only refusal of a comment, None if there is none."""
    owners = how.pop("owners", ())
    facts = replace(snapshot(pipeline=STAGED, environments=ALIVE), owners=owners, **how)  # type: ignore[arg-type] # by name
    found = [one for one in decide(body, facts, policy=rules) if hasattr(one, "view")]
    lines = [line for one in found for line in getattr(one.view, "lines", ())]
    assert all(line.reason is Reason.NOT_ALLOWED for line in lines)
    return dict(lines[0].facts) if lines else None


ALIVE = (environment("preview"), environment("staging"), environment("production"))


@given(rule=RULES, person=PEOPLE, trusted=st.booleans())
def test_a_rule_fits_by_any_of_its_alternatives_and_by_nothing_else(
    rule: Rule, person: Person, *, trusted: bool
) -> None:
    enough = {ANYONE: NONE, CONTRIBUTOR: WRITE, WRITERS: WRITE, ADMINS: ADMIN}
    trusted_author = rule.level is CONTRIBUTOR and person.is_author and trusted
    by_level = rule.level is not None and (person.permission >= enough[rule.level] or trusted_author)
    by_name = person.login.isascii() and person.login.lower() in {name.lower() for name in rule.people}
    expected = by_level or by_name or (rule.owners and person.is_owner)
    assert fits(rule, person, trusted=trusted) is expected


@given(rule=RULES, person=PEOPLE, trusted=st.booleans())
def test_nobody_without_write_access_may_approve_by_any_rule(
    rule: Rule, person: Person, *, trusted: bool
) -> None:
    policy = policy_of({"ok-to-test": rule})
    for_approvals = policy.rule(BY_NAME["ok-to-test"], REPO)
    if person.permission < WRITE:
        assert not fits(for_approvals, person, trusted=trusted)
    elif fits(rule, person, trusted=trusted) and rule.level is None:
        assert fits(for_approvals, person, trusted=trusted)


def entries(*rows: tuple[str, str, str]) -> Policy:
    """Return entries of pattern, key and the only person of the rule."""
    return Policy(
        tuple(
            Entry(key.partition(" ")[0], Rule(people=(who,)), key.partition(" ")[2], pattern)
            for pattern, key, who in rows
        )
    )


@pytest.mark.parametrize(
    ("rows", "environment", "expected"),
    [
        ([], "", ()),
        ([("", "deploy", "a")], "", ("a",)),
        ([("", "deploy", "a")], "staging", ("a",)),
        ([("", "build", "a"), ("", "deploy staging", "b")], "", ()),
        ([("", "deploy staging", "a"), ("", "deploy", "b")], "staging", ("a",)),
        ([("", "deploy staging", "a")], "preview", ()),
        ([("", "deploy", "a"), ("team/*", "deploy", "b")], "", ("b",)),
        ([("", "deploy", "a"), ("TEAM/sh?p", "deploy", "b"), ("other/*", "deploy", "c")], "", ("b",)),
        ([("team/*", "deploy", "a"), ("team/shop", "deploy", "b"), ("*/*", "deploy", "c")], "", ("c",)),
        ([("", "deploy staging", "a"), ("team/shop", "deploy", "b")], "staging", ("a",)),
        ([("", "deploy staging", "a"), ("team/shop", "deploy staging", "b")], "staging", ("b",)),
    ],
)
def test_the_environment_decides_before_the_repository_and_then_the_last_match(
    rows: list[tuple[str, str, str]], environment: str, expected: tuple[str, ...]
) -> None:
    rule = entries(*rows).rule(BY_NAME["deploy"], RepoPath("team", "shop"), environment)
    assert rule == (Rule(people=expected) if expected else Rule(WRITERS))


def test_without_a_repository_only_rules_for_all_count() -> None:
    policy = entries(("team/*", "deploy", "a"), ("team/*", "deploy staging", "b"), ("", "deploy x", "c"))
    assert policy.rule(BY_NAME["deploy"], None) == Rule(WRITERS)
    assert policy.environments(BY_NAME["deploy"], None) == {"x": Rule(people=("c",))}
    assert list(policy.environments(BY_NAME["deploy"], REPO)) == ["staging", "x"]


@pytest.mark.parametrize(
    ("key", "commands", "asked"),
    [
        ("deploy", {"deploy"}, True),
        ("deploy", {"build"}, False),
        ("deploy staging", {"test"}, True),
    ],
)
def test_owners_are_read_only_where_they_can_matter(key: str, commands: set[str], *, asked: bool) -> None:
    assert policy_of({key: Rule(owners=True)}).asks_owners(commands, REPO) is asked
    assert not policy_of({key: LIN}).asks_owners(commands, REPO)
    assert not policy_of({key: Rule(owners=True)}, "other/*").asks_owners(commands, REPO)


@pytest.mark.parametrize(
    ("rule", "owners", "expected"),
    [
        (Rule(ADMINS), (), ["admin"]),
        (Rule(ADMINS, ("a", "b"), owners=True), ("c",), ["admin", "@a", "@b", "owners"]),
        (Rule(None, ("a", "b", "c"), owners=True), (), ["@a", "@b", "others", "no_owners"]),
    ],
)
def test_a_rule_is_described_with_few_names(rule: Rule, owners: tuple[str, ...], expected: list[str]) -> None:
    assert list(described(rule, owners, 2)) == expected


def test_a_rule_for_an_environment_takes_the_place_of_the_commands_own() -> None:
    rules: dict[str, PermissionLevel | Rule] = {"deploy": ADMINS, "deploy staging": Rule(people=("lin",))}
    assert refused("/deploy staging", rules) is None
    assert refused("/deploy", rules) == {"who": "lin", "command": "deploy", "level": "admin"}
    found = refused("/deploy staging", rules, actor="wang")
    assert found == {"who": "wang", "command": "deploy", "level": "@lin", "environment": "staging"}


@pytest.mark.parametrize("command", ["teardown", "extend", "wake"])
def test_a_command_for_all_environments_needs_the_right_to_each(command: str) -> None:
    rules: dict[str, PermissionLevel | Rule] = {f"{command} production": LIN}
    asleep = [replace(one, state=EnvironmentState.ASLEEP, expires_at=NOW) for one in ALIVE]
    now = {one.key.name: one for one in asleep}
    for body in (f"/{command}", f"/{command} env=production"):
        found = refused(body, rules, actor="wang", environments=now)
        assert found is not None
        assert (found["environment"], found["level"]) == ("production", "@Lin")
    assert refused(f"/{command} env=staging", rules, actor="wang", environments=now) is None
    assert refused(f"/{command}", rules, actor="lin", environments=now) is None


def test_what_an_active_run_deploys_is_torn_down_as_well() -> None:
    rules: dict[str, PermissionLevel | Rule] = {"teardown production": LIN}
    [started] = decide("/deploy production", snapshot(pipeline=STAGED, built=True))
    assert isinstance(started, StartRun)
    coming = run(plan=started.plan)
    assert refused("/teardown", rules, actor="wang", environments={}, active=(coming,)) is not None


@pytest.mark.parametrize("body", ["/test", "/retest", "/deploy"])
def test_no_other_command_gets_around_the_rule_for_an_environment(body: str) -> None:
    rules: dict[str, PermissionLevel | Rule] = {"deploy preview": LIN}
    found = refused(body, rules, actor="wang", environments={})
    assert found == {"who": "wang", "command": "deploy", "level": "@Lin", "environment": "preview"}
    assert refused(body, rules, actor="lin", environments={}) is None


def test_outcomes_that_change_no_environment_are_not_checked() -> None:
    assert list(environments.reached(Ignore(""), snapshot())) == []
    assert list(environments.reached(Wake(("a", "b")), snapshot())) == [("wake", "a"), ("wake", "b")]
    extended = Extend((Extension("a", NOW),))
    assert list(environments.reached(extended, snapshot())) == [("extend", "a")]
    closing = StartRun(Plan((Teardown(everything=True),)))
    assert list(environments.reached(closing, snapshot())) == []


def test_a_refusal_names_owners_and_says_when_a_named_person_lacks_write_access() -> None:
    owned: dict[str, PermissionLevel | Rule] = {"build": Rule(owners=True)}
    found = refused("/build", owned, owners=("wang", "zhao", "qian", "sun"))
    assert found is not None
    assert (found["level"], found["helpers"]) == ("owners", "wang, zhao, qian")
    assert (refused("/build", owned) or {})["level"] == "no_owners"
    assert refused("/build", owned, owners=("LIN",)) is None
    facts = snapshot(trusted=False)
    outcomes = decide(
        "/ok-to-test", facts, permission=Permission.READ, policy={"ok-to-test": Rule(people=("lin",))}
    )
    assert "'level': 'write'" in str(outcomes)


AUTOMATIC_RULES = product([None, *PermissionLevel], [(), ("mei",)], [False, True])


@pytest.mark.parametrize(("level", "people", "owners"), [*AUTOMATIC_RULES])
def test_an_automatic_run_has_the_rights_of_someone_with_write_access(
    level: PermissionLevel | None, people: tuple[str, ...], *, owners: bool
) -> None:
    policy = policy_of({"deploy preview": Rule(level, people, owners=owners)})
    [started] = decide("/deploy", snapshot())
    assert isinstance(started, StartRun)
    may = level in {ANYONE, CONTRIBUTOR, WRITERS}
    facts = replace(snapshot(), owners=("mei",))
    assert environments.withheld(started.plan, facts, policy) == ("" if may else "preview")
