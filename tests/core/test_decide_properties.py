"""Properties that hold for any text, any author and any state of the pull request."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.core.admission import trust
from bot.core.admission.permissions import Policy
from bot.core.deciding.automatic import plan_for
from bot.model.delivery import Trigger
from bot.model.environment import EnvironmentState
from bot.model.forge import Permission, PullState
from bot.model.outcome import Approve, Outcome, Refuse, StartRun, StopRuns
from bot.model.plan import Build, Deploy, Plan, Teardown, Test
from bot.model.snapshot import Snapshot
from tests.fakes.snapshots import COMMANDS, OLD, SHA, STAGED, decide, environment, pull_request, run, snapshot

LINES = st.sampled_from(
    [
        *(f"/{name}" for command in COMMANDS for name in command.names),
        "/deploy staging",
        "/deploy staging ttl=1h",
        "/deploy nowhere",
        "/teardown staging",
        "/teardown preview",
        "/test nothing",
        "/cancel 7",
        "/retest failed",
        f"/ok-to-test {SHA[:7]}",
        "/biuld",
        "/lgtm",
        "> /build",
    ]
)
ENVIRONMENTS = st.sets(st.sampled_from(["preview", "staging"])).flatmap(
    lambda names: st.tuples(
        *(
            st.builds(
                environment,
                st.just(name),
                sha=st.sampled_from([SHA, OLD]),
                state=st.sampled_from([EnvironmentState.READY, EnvironmentState.FAILED]),
            )
            for name in sorted(names)
        )
    )
)
NO_SERVICE = replace(STAGED, deploy=replace(STAGED.deploy, enabled=False))
SNAPSHOTS = st.builds(
    snapshot,
    actor=st.sampled_from(["lin", "stranger"]),
    trusted=st.booleans(),
    pull=st.builds(
        pull_request, fork=st.just(value=True), author=st.just("stranger"), state=st.sampled_from(PullState)
    ),
    pipeline=st.sampled_from([STAGED, NO_SERVICE]),
    built=st.booleans(),
    environments=ENVIRONMENTS,
    active=st.sampled_from([(), (run(7),), (run(7, trigger=Trigger.COMMENT), run(8))]),
)
BODIES = st.lists(LINES, max_size=8).map("\n\n".join)


def the_plan(outcomes: tuple[Outcome, ...]) -> Plan:
    """Return the plan of the started run, if any; at most one run is started."""
    plans = [outcome.plan for outcome in outcomes if isinstance(outcome, StartRun)]
    assert len(plans) <= 1
    return plans[0] if plans else Plan(())


def walk(plan: Plan, now: Snapshot) -> None:
    """Simulate a plan and check that each step has its prerequisites."""
    images = set(now.images)
    ready = {
        name
        for name, found in now.environments.items()
        if found.sha == SHA and found.state is EnvironmentState.READY
    }
    for step in plan.steps:
        match step:
            case Build():
                images.add(step.sha)
            case Deploy():
                assert step.sha in images
                ready.add(step.environment)
            case Test():
                assert step.sha in images
                assert step.environment in ready or not now.pipeline.deploy.enabled
            case Teardown():
                ready -= {step.environment} if step.environment else set(ready)
                images -= images if step.everything else set()


@given(BODIES, SNAPSHOTS)
def test_every_step_has_its_prerequisites(body: str, now: Snapshot) -> None:
    walk(the_plan(decide(body, now)), now)


@given(st.sampled_from(Trigger), SNAPSHOTS)
def test_every_automatic_step_has_its_prerequisites(trigger: Trigger, now: Snapshot) -> None:
    walk(the_plan((plan_for(trigger, now, None, COMMANDS, Policy()),)), now)


@given(BODIES, SNAPSHOTS, st.sampled_from(Permission), st.sampled_from([SHA, OLD, None]))
def test_code_runs_only_if_trusted_open_and_at_the_seen_head(
    body: str, now: Snapshot, permission: Permission, seen: str | None
) -> None:
    outcomes = decide(body, now, permission=permission, seen=seen)
    approved = any(isinstance(outcome, Approve) for outcome in outcomes)

    assert not approved or (permission >= Permission.WRITE and not now.trusted)
    if any(not isinstance(step, Teardown) for step in the_plan(outcomes).steps):
        assert now.trusted or approved
        assert now.pull.state is PullState.OPEN
        assert seen != OLD
        assert permission >= Permission.WRITE or trust.same_person(now.actor, now.pull.author)


@given(st.sampled_from(Trigger), SNAPSHOTS)
def test_no_event_runs_untrusted_code(trigger: Trigger, now: Snapshot) -> None:
    plan = the_plan((plan_for(trigger, now, None, COMMANDS, Policy()),))

    assert now.trusted or all(isinstance(step, Teardown) for step in plan.steps)


@given(BODIES, SNAPSHOTS, st.sampled_from(Permission))
def test_there_is_always_a_reply_and_never_two_of_one_kind(
    body: str, now: Snapshot, permission: Permission
) -> None:
    outcomes = decide(body, now, permission=permission)

    assert outcomes
    assert not any(isinstance(outcome, Refuse) for outcome in outcomes)
    for kind in (StartRun, StopRuns, Approve):
        assert sum(isinstance(outcome, kind) for outcome in outcomes) <= 1
    assert all(outcome not in outcomes[:index] for index, outcome in enumerate(outcomes))


@given(BODIES, SNAPSHOTS)
def test_someone_without_permission_starts_and_stops_nothing(body: str, now: Snapshot) -> None:
    outcomes = decide(body, replace(now, actor="nosy"), permission=Permission.READ)

    assert not any(isinstance(outcome, StartRun | StopRuns | Approve) for outcome in outcomes)
