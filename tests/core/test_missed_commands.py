"""What becomes of commands that were found late: for every command, effect, age and head."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.language.command import AnyCommand
from bot.core.language.parsing import Invocation, Line, parse
from bot.core.reconciling.missed_commands import LATE, Lateness
from bot.discovery import find_commands
from bot.model.forge import Comment, PullRequest, PullState, RepoPath, Tip
from bot.model.observed import Effect, ObservedState
from bot.model.reason import Reason

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = RepoPath("team", "shop")
A, B = "a" * 40, "b" * 40
TIP = Tip("feature", A, SHOP)
PULL = PullRequest(SHOP, 12, 1, "t", PullState.OPEN, "mei", TIP, replace(TIP, ref="master"), "", "")
COMMANDS = find_commands()
CHANGING = tuple(command for command in COMMANDS if command.overtaken_by)
ID = 7


def line(command: AnyCommand) -> Line:
    (found,) = parse(f"/{command.name}", COMMANDS)
    return found


def late(ago: timedelta = timedelta(minutes=5), **observed: object) -> Lateness:
    at = NOW - ago
    values: dict[str, object] = {"head": A, "state": PullState.OPEN, "head_at": at, **observed}
    return Lateness(Comment(ID, "", "lin", at, at), PULL, ObservedState(NOW, **values), NOW)  # type: ignore[arg-type] # fields by name


def test_which_later_effects_overtake_a_command() -> None:
    table = {command.name: {str(one) for one in command.overtaken_by} for command in COMMANDS}
    assert table == {
        "build": {"image", "stop"},
        "deploy": {"environment", "stop"},
        "reset": {"environment", "stop"},
        "test": {"tests", "stop"},
        "retest": {"tests", "stop"},
        "teardown": {"environment"},
        "extend": {"environment"},
        "wake": {"environment"},
        "cancel": {"run", "stop"},
        "ok-to-test": {"approval"},
        "help": set(),
        "status": set(),
        "logs": set(),
    }


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_only_later_effects_on_the_same_thing_overtake(command: AnyCommand, effect: Effect) -> None:
    said = (line(command),)
    for comment, pushed in ((ID + 1, frozenset[Effect]()), (0, frozenset({effect}))):
        found = late(head_at=NOW, pushed=pushed, commands={effect: comment})
        overtaken = effect in command.overtaken_by
        assert found.current(said) == (() if overtaken else said)
    before = late(pushed=frozenset(Effect), commands=dict.fromkeys(Effect, ID - 1))
    assert before.current(said) == said


@pytest.mark.parametrize(
    ("said", "later", "overtaken"),
    [
        ("/teardown staging", "environment:staging", True),
        ("/teardown staging", "environment:preview", False),
        ("/teardown staging", "environment", True),
        ("/teardown", "environment:preview", True),
        ("/deploy", "environment:preview", True),
        ("/deploy", "environment:staging", False),
        ("/extend 1d staging", "environment:preview", False),
        ("/test", "environment:preview", False),
    ],
)
def test_another_environment_is_not_the_same_thing(said: str, later: str, *, overtaken: bool) -> None:
    lines = parse(said, COMMANDS)
    assert late(commands={later: ID + 1}).current(lines) == (() if overtaken else lines)


@pytest.mark.parametrize("command", CHANGING, ids=lambda command: command.name)
def test_a_command_is_executed_within_an_hour_at_the_same_head(command: AnyCommand) -> None:
    said, approves = line(command), command.approves
    assert late(LATE).refusal(said) is None
    for moved in (late(head_at=NOW), late(head=B), late(head_at=None)):
        found = moved.refusal(said)
        assert found is None if approves else found is not None and found.reason is Reason.FOUND_AFTER_PUSH
    old = late(LATE + timedelta(seconds=1)).refusal(said)
    assert old is not None
    assert (old.reason, old.facts) == (Reason.FOUND_LATE, {"seconds": "3601"})


observed_states = st.builds(
    ObservedState,
    at=st.just(NOW),
    head=st.sampled_from([A, B, ""]),
    head_at=st.none() | st.timedeltas(timedelta(), timedelta(days=1)).map(lambda ago: NOW - ago),
    pushed=st.frozensets(st.sampled_from(Effect)),
    commands=st.dictionaries(st.sampled_from(Effect), st.integers(0, 2 * ID)),
)


@given(
    ago=st.timedeltas(timedelta(), timedelta(days=1)),
    observed=observed_states,
    names=st.lists(st.sampled_from(COMMANDS), max_size=4),
)
def test_no_command_vanishes_without_a_later_effect_on_the_same_thing(
    ago: timedelta, observed: ObservedState, names: list[AnyCommand]
) -> None:
    found = replace(late(ago), observed=observed)
    lines = [line(command) for command in names]
    current = found.current(lines)
    later = {effect for effect, comment in observed.commands.items() if comment > ID} | observed.pushed
    for one in lines:
        assert isinstance(one, Invocation)
        if one not in current:
            assert not one.command.overtaken_by.isdisjoint(later)
        if found.refusal(one) is None and one.command.overtaken_by and not one.command.approves:
            assert ago <= LATE
            assert observed.head == A


def test_an_approval_from_before_a_decided_revocation_is_void() -> None:
    lines = parse(f"/ok-to-test {A}\n/build\n/ok-to-test revoke", COMMANDS)
    [_, build, revocation] = lines

    assert late(commands={Effect.APPROVAL: ID}).unrevoked(lines) == lines
    assert late(commands={Effect.APPROVAL: ID + 1}).unrevoked(lines) == (build, revocation)
    assert replace(late(), observed=None).unrevoked(lines) == lines


def test_mistakes_and_revocations_are_always_answered() -> None:
    moved = late(timedelta(days=1), head=B)
    for text in ("/deploy ttl=never", "/depoly", "/ok-to-test revoke"):
        (said,) = parse(text, COMMANDS)
        assert moved.current((said,)) == (said,)
        assert moved.refusal(said) is None


def test_without_an_observed_state_nothing_is_overtaken_and_nothing_executed() -> None:
    at = NOW - timedelta(minutes=5)
    unknown = Lateness(Comment(ID, "", "lin", at, at), PULL, None, NOW)
    (said,) = parse("/teardown", COMMANDS)
    assert unknown.current((said,)) == (said,)
    found = unknown.refusal(said)
    assert found is not None
    assert found.reason is Reason.FOUND_AFTER_PUSH
