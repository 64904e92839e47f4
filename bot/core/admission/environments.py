"""The environments that an outcome changes. The rule for one holds for every command that reaches it."""

from collections.abc import Iterable, Iterator

from bot.core.admission import gate, permissions
from bot.core.admission.permissions import Person, Policy
from bot.model.forge import Permission
from bot.model.outcome import Extend, Outcome, Refuse, StartRun, Wake
from bot.model.plan import Deploy, Plan, Teardown
from bot.model.snapshot import Snapshot

UNKNOWN_WRITER = Person("", Permission.WRITE)
"""Who is behind an automatic run: someone with write access pushed the commit or approved it, and only an
unsigned webhook says who."""


def refusal(outcome: Outcome, snapshot: Snapshot, policy: Policy, permission: Permission) -> Refuse | None:
    """Return why the actor's command is refused for an environment that its outcome changes, None if not."""
    who = gate.person(snapshot, permission)
    for command, environment in reached(outcome, snapshot):
        rule = policy.own_rule(command, environment, snapshot.pull.repo)
        if rule is not None and not permissions.fits(rule, who, trusted=snapshot.trusted):
            return gate.not_allowed(command, rule, snapshot, permission, environment)
    return None


def withheld(plan: Plan, snapshot: Snapshot, policy: Policy) -> str:
    """Return the environment for which a plan may not run automatically; empty if it may."""
    for command, environment in reached(StartRun(plan), snapshot):
        rule = policy.own_rule(command, environment, snapshot.pull.repo)
        if rule is not None and not permissions.fits(rule, UNKNOWN_WRITER, trusted=True):
            return environment
    return ""


def reached(outcome: Outcome, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield the changed environments, each with the name of the command that is for such changes."""
    match outcome:
        case StartRun(plan=plan):
            yield from _of_plan(plan, snapshot)
        case Extend(environments=extended):
            yield from (("extend", one.name) for one in extended)
        case Wake(environments=woken):
            yield from (("wake", name) for name in woken)


def _of_plan(plan: Plan, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for step in plan.steps:
        if isinstance(step, Deploy):
            yield step.name, step.environment
        elif isinstance(step, Teardown):
            names = [step.environment] if step.environment else _existing(snapshot)
            yield from ((step.name, name) for name in names)


def _existing(snapshot: Snapshot) -> Iterable[str]:
    """Return the environments that exist, and those that active runs may still create."""
    coming = (step for run in snapshot.active for step in run.plan.steps if isinstance(step, Deploy))
    return dict.fromkeys((*snapshot.environments, *(step.environment for step in coming)))
