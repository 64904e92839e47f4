"""Plans runs: which steps a command needs, and how the plans of one comment become one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core import duration
from bot.core.environments import idle
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState, Extension
from bot.model.forge import Merge
from bot.model.outcome import Refuse
from bot.model.pipeline import DeployConfig, EnvironmentConfig, Pipeline
from bot.model.plan import DEFAULT_ENVIRONMENT, Build, Deploy, Plan, Step, Suite, Teardown, Test
from bot.model.reason import Reason
from bot.model.run import Image
from bot.model.snapshot import Fact, Snapshot

DEFAULT_SUITE = "default"

NEEDS = (Fact.IMAGES, Fact.ENVIRONMENTS)
"""The facts that a command needs if it plans a run."""

_ORDER = ("build", "deploy", "test")


def to_build(snapshot: Snapshot) -> Plan:
    """Return the plan that builds the latest commit, even if it has an image.

    What a person asks for is built afresh; what runs automatically uses unchanged images again.
    """
    return Plan((_build(snapshot, afresh=not snapshot.automatic),))


def to_deploy(
    snapshot: Snapshot, environment: str = DEFAULT_ENVIRONMENT, ttl: timedelta | None = None
) -> Plan:
    """Return the plan that deploys the latest commit, after a build if it has no image.

    Without `ttl`, the environment has the configured lifetime.
    """
    return Plan((*_missing_image(snapshot), _deploy(snapshot, environment, ttl)))


def to_reset(snapshot: Snapshot, environment: str) -> Plan:
    """Return the plan that deploys the latest commit with new data."""
    return Plan((*_missing_image(snapshot), replace(_deploy(snapshot, environment), renews_data=True)))


def to_test(snapshot: Snapshot, suites: Sequence[Suite], environment: str) -> Plan:
    """Return the plan that tests an environment, after building and deploying the latest commit if needed.

    The permission to test includes that deployment: without an environment there is nothing to test.
    """
    pipeline = snapshot.pipeline
    test = Test(
        snapshot.sha,
        pipeline.test,
        pipeline.builds[pipeline.tested],
        tuple(suites),
        environment,
        snapshot.writers_only,
        pipeline.tested,
    )
    return Plan((*_missing_image(snapshot), *_missing_environment(snapshot, environment), test))


def all_suites(pipeline: Pipeline) -> tuple[Suite, ...]:
    """Return the configured suites; there is always at least one."""
    named = tuple(Suite(name, command) for name, command in pipeline.test.suites.items())
    return named or (Suite(DEFAULT_SUITE, pipeline.test.command or ""),)


def chosen_suites(pipeline: Pipeline, names: Iterable[str]) -> tuple[Suite, ...] | Refuse:
    """Return the suites with these names, or all without names; Refuse(UNKNOWN_SUITE) for an unknown one."""
    known = {suite.name: suite for suite in all_suites(pipeline)}
    wanted = tuple(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        return Refuse(Reason.UNKNOWN_SUITE, {"name": unknown[0], "known": ", ".join(known)})
    return tuple(known[name] for name in wanted) or tuple(known.values())


def last_deployed(snapshot: Snapshot) -> str:
    """Return the environment that was deployed last, or that an active run or an earlier command deploys.

    That is what people mean who name none; what runs automatically means the default one, unless an earlier
    automatic command deploys another.
    """
    planned = [name for name, found in snapshot.environments.items() if not found.host]
    if planned or snapshot.automatic:
        return planned[-1] if planned else DEFAULT_ENVIRONMENT
    return max(_deployed(snapshot), default=(snapshot.now, DEFAULT_ENVIRONMENT))[1]


def unknown_environment(name: str | None, known: Collection[str]) -> Refuse | None:
    """Return the refusal of an environment that is not among these; None if none is named."""
    if name is None or name in known:
        return None
    return Refuse(Reason.UNKNOWN_ENVIRONMENT, {"name": name, "known": ", ".join(known)})


def environment_names(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the names that `/deploy` accepts, the default environment first."""
    return tuple(dict.fromkeys((DEFAULT_ENVIRONMENT, *pipeline.deploy.environments)))


def after(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """Return the facts as the plan will leave them, for the following commands of the same comment."""
    for step in plan.steps:
        snapshot = _after_step(snapshot, step)
    return snapshot


def extended(snapshot: Snapshot, extensions: Iterable[Extension]) -> Snapshot:
    """Return the facts as they will be after these extensions."""
    changed = {one.name: replace(snapshot.environments[one.name], expires_at=one.until) for one in extensions}
    return _with_environments(snapshot, changed)


def wake_requested(snapshot: Snapshot, names: Iterable[str]) -> Snapshot:
    """Return the facts as they will be while these environments wake up."""
    woken = {name: idle.wake_requested(snapshot.environments[name], snapshot.now) for name in names}
    return _with_environments(snapshot, woken)


def existing_environments(snapshot: Snapshot) -> dict[str, Environment]:
    """Return the environments that exist, without those that are only planned or about to be removed."""
    return {name: found for name, found in _remaining(snapshot).environments.items() if found.host}


def merge(plans: Sequence[Plan]) -> Plan:
    """Return one plan for the plans of several commands.

    Builds come before deployments, and these before tests, each once and as the last command wants it; a
    teardown keeps its place among the commands.
    """
    steps: list[Step] = []
    group: list[Plan] = []
    for plan in plans:
        if isinstance(plan.steps[-1], Teardown):
            steps += _joined(group)
            steps += plan.steps if steps[-1:] != [plan.steps[-1]] else ()
            group = []
        else:
            group.append(plan)
    return Plan((*steps, *_joined(group)))


def _joined(plans: Sequence[Plan]) -> Iterator[Step]:
    """Yield the steps of plans without a teardown."""
    steps: dict[tuple[str, ...], Step] = {}
    for plan in plans:
        for step in plan.steps:
            steps[_identity(step)] = _united(steps.get(_identity(step)), step)
    yield from sorted(steps.values(), key=lambda step: _ORDER.index(step.name))


def _identity(step: Step) -> tuple[str, ...]:
    return (step.name,) if isinstance(step, Build | Teardown) else (step.name, step.environment)


def _united(earlier: Step | None, later: Step) -> Step:
    if isinstance(earlier, Deploy) and isinstance(later, Deploy):
        return replace(later, renews_data=earlier.renews_data or later.renews_data)
    if not isinstance(earlier, Test) or not isinstance(later, Test):
        return later
    suites = {suite.name: suite for suite in (*earlier.suites, *later.suites)}
    return replace(later, suites=tuple(suites.values()))


def _build(snapshot: Snapshot, *, afresh: bool = False) -> Build:
    beside = dict(snapshot.pipeline.builds)
    served = snapshot.pipeline.served
    config = beside.pop(served)
    return Build(
        snapshot.sha, config, snapshot.writers_only, served, beside, base=_base(snapshot), afresh=afresh
    )


def _base(snapshot: Snapshot) -> str:
    """Return the commit that the head is merged into; empty if the head itself is built."""
    return snapshot.pull.base.sha if snapshot.pipeline.ref == "merge" else ""


def _deploy(snapshot: Snapshot, environment: str, ttl: timedelta | None = None) -> Deploy:
    pipeline = snapshot.pipeline
    lifetime = ttl or duration.parse(_ttl(pipeline.deploy, environment))
    seconds = int(lifetime.total_seconds())
    return Deploy(
        snapshot.sha,
        pipeline.deploy,
        pipeline.services,
        environment,
        seconds,
        build=pipeline.builds[pipeline.served],
        image=pipeline.served,
        teardown=pipeline.teardown,
        definition=snapshot.definition if _has_definition(pipeline) else "",
        trusted=snapshot.writers_only,
    )


def _has_definition(pipeline: Pipeline) -> bool:
    """Return whether a deployment reads more of a commit than its images."""
    files = any(service.files for service in pipeline.services.values())
    return bool(pipeline.deploy.manifests or pipeline.deploy.chart or files)


def _missing_image(snapshot: Snapshot) -> tuple[Build, ...]:
    found = _remaining(snapshot).images.get(snapshot.sha)
    # The configuration may have named other images when they were built.
    complete = found is not None and {one.name for one in found.all} == set(snapshot.pipeline.builds)
    merged = found.merge.expected if found and found.merge else ""
    return () if complete and merged == _base(snapshot) else (_build(snapshot),)


def _merge_built(snapshot: Snapshot) -> str | None:
    """Return the merge that the latest image is of, empty for none; None if an image has to be built."""
    if _missing_image(snapshot):
        return None
    merge = _remaining(snapshot).images[snapshot.sha].merge
    return merge.sha if merge else ""


def _missing_environment(snapshot: Snapshot, name: str) -> tuple[Deploy, ...]:
    found = _remaining(snapshot).environments.get(name)
    ready = found is not None and found.state is EnvironmentState.READY and found.sha == snapshot.sha
    if found is not None and (found.merge or snapshot.pipeline.ref == "merge"):
        ready = ready and found.merge == _merge_built(snapshot)
    needed = snapshot.pipeline.deploy.enabled and not ready
    return (_deploy(snapshot, name),) if needed else ()


def _deployed(snapshot: Snapshot) -> Iterator[tuple[datetime, str]]:
    """Yield the configured environments, each with the time at which its deployment began or was planned."""
    known = environment_names(snapshot.pipeline)
    for name, found in _remaining(snapshot).environments.items():
        if name in known:
            yield found.deployed_at, name
    for run in snapshot.active:
        yield from ((run.created_at, step.environment) for step in run.plan.steps if isinstance(step, Deploy))


def _remaining(snapshot: Snapshot) -> Snapshot:
    """Return the facts without what active runs remove: they end before a run that is planned now starts."""
    for run in snapshot.active:
        for step in run.plan.steps:
            snapshot = _after_step(snapshot, step) if isinstance(step, Teardown) else snapshot
    return snapshot


def _ttl(config: DeployConfig, environment: str) -> str:
    return config.environments.get(environment, EnvironmentConfig()).ttl or config.ttl


def _after_step(snapshot: Snapshot, step: Step) -> Snapshot:
    match step:
        case Build(sha=sha, base=base):
            beside = tuple(Image("", "", 0, sha, name=name) for name in step.beside)
            merge = Merge("", base, base) if base else None
            built = Image("", "", 0, sha, name=step.served, beside=beside, merge=merge)
            return replace(snapshot, images={**snapshot.images, sha: built})
        case Deploy(environment=name):
            return _with_environments(snapshot, {name: _expected(snapshot, name)})
        case Teardown(environment=None, everything=everything):
            images = {} if everything else snapshot.images
            return replace(snapshot, environments={}, images=images)
        case Teardown(environment=gone):
            left = {name: found for name, found in snapshot.environments.items() if name != gone}
            return replace(snapshot, environments=left)
        case _:
            return snapshot


def _with_environments(snapshot: Snapshot, changed: Mapping[str, Environment]) -> Snapshot:
    """Put changed environments behind the others, so that the one deployed last is the last."""
    if not changed:
        return snapshot
    kept = {name: found for name, found in snapshot.environments.items() if name not in changed}
    return replace(snapshot, environments={**kept, **changed})


def _expected(snapshot: Snapshot, name: str) -> Environment:
    """Return an environment as a deployment of the latest commit will leave it."""
    return Environment(
        key=EnvironmentKey(snapshot.pull.repo, snapshot.pull.number, name),
        host="",
        sha=snapshot.sha,
        state=EnvironmentState.READY,
        run=0,
        deployed_at=snapshot.now,
        expires_at=snapshot.now,
        merge=_merge_built(snapshot) or "",
    )
