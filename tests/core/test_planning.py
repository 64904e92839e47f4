from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.deciding import planning
from bot.model.environment import Environment, EnvironmentState
from bot.model.forge import Merge
from bot.model.outcome import Refuse
from bot.model.pipeline import BuildConfig, DeployConfig, Pipeline, ServiceConfig, TestConfig
from bot.model.plan import Build, Deploy, Plan, Suite, Teardown, Test
from bot.model.reason import Reason
from bot.model.run import Run
from bot.model.snapshot import Snapshot
from tests.fakes.snapshots import IMAGE, NOW, OLD, SHA, STAGED, SUITES, environment, run, snapshot

DAY = 86_400
DAYS = timedelta(days=1)
PIPELINE = Pipeline()
BUILD = Build(SHA, PIPELINE.build)
DEPLOY = Deploy(SHA, PIPELINE.deploy, {}, "preview", 3 * DAY)
TEST = Test(SHA, PIPELINE.test, PIPELINE.build, (Suite("default"),))
DISABLED = replace(PIPELINE, deploy=replace(PIPELINE.deploy, enabled=False))
READY = environment()


def test_a_build_is_repeated_even_if_an_image_exists() -> None:
    assert planning.to_build(snapshot(built=True)) == Plan((replace(BUILD, afresh=True),))


def test_what_runs_automatically_uses_unchanged_images_again() -> None:
    assert planning.to_build(replace(snapshot(), automatic=True)) == Plan((BUILD,))


@pytest.mark.parametrize(("built", "steps"), [(False, (BUILD, DEPLOY)), (True, (DEPLOY,))])
def test_a_deployment_without_an_image_builds_first(
    steps: tuple[Build | Deploy, ...], *, built: bool
) -> None:
    assert planning.to_deploy(snapshot(built=built)) == Plan(steps)


@pytest.mark.parametrize(
    ("environment", "asked", "seconds"),
    [
        ("preview", None, 3 * DAY),
        ("staging", None, 8 * 3600),
        ("preview", timedelta(hours=2), 7200),
        ("staging", timedelta(days=1), DAY),
    ],
)
def test_an_environment_lives_as_long_as_asked_or_configured(
    environment: str, asked: timedelta | None, seconds: int
) -> None:
    plan = planning.to_deploy(snapshot(built=True, pipeline=STAGED), environment, asked)

    assert plan == Plan((Deploy(SHA, STAGED.deploy, {}, environment, seconds),))


@pytest.mark.parametrize("own", [DeployConfig(chart="deploy/chart"), DeployConfig(manifests="deploy/k8s")])
@pytest.mark.parametrize(("writes", "commit"), [(True, SHA), (False, OLD)])
def test_manifests_and_charts_come_from_the_head_if_the_author_may_push(
    own: DeployConfig, commit: str, *, writes: bool
) -> None:
    pipeline = replace(PIPELINE, deploy=own)
    facts = replace(snapshot(built=True, pipeline=pipeline), writers_only=writes)

    [step] = planning.to_deploy(facts).steps

    assert isinstance(step, Deploy)
    assert (step.sha, step.definition) == (SHA, commit)


SEVERAL = Pipeline(
    images={"web": BuildConfig(context="web"), "api": BuildConfig(context="api")},
    deploy=DeployConfig(image="api"),
    test=TestConfig(image="web"),
)


def test_a_plan_builds_all_images_and_names_those_of_its_steps() -> None:
    plan = planning.to_test(snapshot(pipeline=SEVERAL), planning.all_suites(SEVERAL), "preview")

    build, deploy, test = plan.steps
    assert isinstance(build, Build)
    assert isinstance(deploy, Deploy)
    assert isinstance(test, Test)
    assert build.images == {"api": SEVERAL.images["api"], "web": SEVERAL.images["web"]}
    assert (deploy.image, deploy.build.context) == ("api", "api")
    assert (test.image, test.build.context) == ("web", "web")


@pytest.mark.parametrize("names", [("api",), ("api", "web", "cron"), ("",)])
def test_images_of_another_configuration_are_built_again(names: tuple[str, ...]) -> None:
    first, *others = (replace(IMAGE, name=name) for name in names)
    facts = replace(snapshot(pipeline=SEVERAL), images={SHA: replace(first, beside=tuple(others))})

    assert planning.to_deploy(facts).names == ("build", "deploy")


def test_planned_images_count_as_built() -> None:
    facts = planning.after(snapshot(pipeline=SEVERAL), planning.to_build(snapshot(pipeline=SEVERAL)))

    assert planning.to_deploy(facts).names == ("deploy",)


def test_a_deployment_carries_its_services() -> None:
    services = {"db": ServiceConfig(image="postgres:16")}

    plan = planning.to_deploy(snapshot(built=True, pipeline=replace(PIPELINE, services=services)))

    assert plan.steps == (replace(DEPLOY, services=services),)


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        (snapshot(), ("build", "deploy", "test")),
        (snapshot(built=True), ("deploy", "test")),
        (snapshot(built=True, environments=(READY,)), ("test",)),
        (snapshot(environments=(READY,)), ("build", "test")),
        (snapshot(built=True, environments=(environment(sha=OLD),)), ("deploy", "test")),
        (snapshot(built=True, environments=(environment("staging"),)), ("deploy", "test")),
        (snapshot(pipeline=DISABLED), ("build", "test")),
        (snapshot(built=True, pipeline=DISABLED), ("test",)),
        *(
            (snapshot(built=True, environments=(environment(state=state),)), ("deploy", "test"))
            for state in EnvironmentState
            if state is not EnvironmentState.READY
        ),
    ],
)
def test_a_test_builds_and_deploys_what_is_missing(facts: Snapshot, names: tuple[str, ...]) -> None:
    plan = planning.to_test(facts, (Suite("default"),), "preview")

    assert plan.names == names
    assert plan.steps[-1] == TEST


@pytest.mark.attack
@pytest.mark.parametrize("writes", [True, False])
def test_the_builds_of_an_approved_stranger_share_no_cache(writes: bool) -> None:  # noqa: FBT001 - a parameter
    facts = replace(snapshot(), writers_only=writes)
    builds = [
        step
        for step in planning.to_test(facts, (Suite("default"),), "preview").steps
        if not isinstance(step, Deploy | Teardown)
    ]

    assert [step.trusted for step in builds] == [writes, writes]


@pytest.mark.parametrize(
    ("removing", "names"),
    [
        (Teardown(), ("deploy", "test")),
        (Teardown("preview"), ("deploy", "test")),
        (Teardown("staging"), ("test",)),
        (Teardown(everything=True), ("build", "deploy", "test")),
    ],
)
def test_resources_that_a_running_run_removes_are_created_again(
    removing: Teardown, names: tuple[str, ...]
) -> None:
    facts = snapshot(built=True, environments=(READY,), active=(run(plan=Plan((removing,))),))

    assert planning.to_test(facts, (Suite("default"),), "preview").names == names


@pytest.mark.parametrize(
    ("config", "suites"),
    [
        (TestConfig(), (Suite("default", ""),)),
        (TestConfig(command="make check"), (Suite("default", "make check"),)),
        (SUITES.test, (Suite("unit", "pytest unit"), Suite("e2e", "pytest e2e"))),
    ],
)
def test_there_is_always_a_default_suite(config: TestConfig, suites: tuple[Suite, ...]) -> None:
    pipeline = replace(PIPELINE, test=config)

    assert planning.all_suites(pipeline) == suites
    assert planning.chosen_suites(pipeline, ()) == suites


def test_suites_are_chosen_by_name_in_the_order_given_and_once() -> None:
    unit, e2e = planning.all_suites(SUITES)

    assert planning.chosen_suites(SUITES, ("e2e", "unit", "e2e")) == (e2e, unit)


def test_an_unknown_suite_is_refused() -> None:
    facts = {"name": "smoke", "known": "unit, e2e"}

    assert planning.chosen_suites(SUITES, ("unit", "smoke")) == Refuse(Reason.UNKNOWN_SUITE, facts)


def test_the_default_environment_is_always_known() -> None:
    explicit = replace(
        STAGED, deploy=replace(STAGED.deploy, environments={"preview": STAGED.deploy.environments["staging"]})
    )

    assert planning.environment_names(PIPELINE) == ("preview",)
    assert planning.environment_names(STAGED) == ("preview", "staging")
    assert planning.environment_names(explicit) == ("preview",)


STAGING = Deploy(SHA, STAGED.deploy, {}, "staging", 8 * 3600)
GONE = Teardown()


def plan(*steps: Build | Deploy | Test | Teardown) -> Plan:
    return Plan(steps)


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ((), ()),
        ((plan(BUILD),), (BUILD,)),
        ((plan(BUILD), plan(BUILD)), (BUILD,)),
        ((plan(TEST), plan(DEPLOY), plan(BUILD)), (BUILD, DEPLOY, TEST)),
        ((plan(BUILD, DEPLOY), plan(BUILD, DEPLOY, TEST)), (BUILD, DEPLOY, TEST)),
        ((plan(DEPLOY), plan(replace(DEPLOY, ttl=60))), (replace(DEPLOY, ttl=60),)),
        ((plan(DEPLOY), plan(STAGING)), (DEPLOY, STAGING)),
        ((plan(BUILD, STAGING), plan(BUILD, DEPLOY, TEST)), (BUILD, STAGING, DEPLOY, TEST)),
        ((plan(BUILD, DEPLOY, TEST), plan(STAGING)), (BUILD, DEPLOY, STAGING, TEST)),
        ((plan(GONE), plan(BUILD, DEPLOY)), (GONE, BUILD, DEPLOY)),
        ((plan(TEST), plan(GONE)), (TEST, GONE)),
        ((plan(GONE), plan(GONE)), (GONE,)),
        ((plan(BUILD), plan(GONE), plan(DEPLOY)), (BUILD, GONE, DEPLOY)),
        ((plan(Teardown("staging")), plan(Teardown("preview"))), (Teardown("staging"), Teardown("preview"))),
    ],
)
def test_several_plans_become_one(
    plans: tuple[Plan, ...], expected: tuple[Build | Deploy | Test | Teardown, ...]
) -> None:
    assert planning.merge(plans) == Plan(expected)


def test_two_tests_become_one_of_all_their_suites() -> None:
    unit, e2e = planning.all_suites(SUITES)
    rerun = replace(unit, failed=("adds",))

    merged = planning.merge([plan(replace(TEST, suites=(unit,))), plan(replace(TEST, suites=(e2e, rerun)))])

    assert merged == plan(replace(TEST, suites=(rerun, e2e)))


def test_a_teardown_after_a_deployment_is_done_again() -> None:
    assert planning.merge([plan(GONE), plan(DEPLOY), plan(GONE)]) == plan(GONE, DEPLOY, GONE)


def test_a_reset_beside_another_deployment_stays_a_reset() -> None:
    anew = replace(DEPLOY, renews_data=True)
    assert planning.merge([plan(anew), plan(DEPLOY)]) == plan(anew)
    assert planning.merge([plan(DEPLOY), plan(anew)]) == plan(anew)


def test_files_of_services_come_from_the_commit_that_is_trusted() -> None:
    config = Pipeline(services={"db": ServiceConfig("postgres:16", files={"/init": "db"})})
    for own in (True, False):
        now = replace(snapshot(built=True, pipeline=config), writers_only=own)
        step = planning.to_deploy(now).steps[-1]
        assert isinstance(step, Deploy)
        assert step.definition == (now.sha if own else now.pull.base.sha)


def after(*steps: Build | Deploy | Test | Teardown, facts: Snapshot | None = None) -> Snapshot:
    return planning.after(facts or snapshot(), Plan(steps))


def test_later_commands_see_earlier_plans() -> None:
    assert planning.to_test(after(BUILD, DEPLOY), (), "preview").names == ("test",)
    assert planning.to_test(after(BUILD, STAGING), (), "preview").names == ("deploy", "test")
    assert planning.to_test(after(BUILD, DEPLOY, GONE), (), "preview").names == ("deploy", "test")
    assert planning.to_test(after(BUILD, DEPLOY, Teardown("preview")), (), "preview").names == (
        "deploy",
        "test",
    )
    assert planning.to_test(after(BUILD, DEPLOY, Teardown("staging")), (), "preview").names == ("test",)
    assert planning.to_test(after(BUILD, DEPLOY, Teardown(everything=True)), (), "preview").names == (
        "build",
        "deploy",
        "test",
    )
    assert after(TEST, facts=snapshot(built=True)) == snapshot(built=True)


LATER = NOW + timedelta(minutes=1)


def deployed(name: str, at: datetime, state: EnvironmentState = EnvironmentState.READY) -> Environment:
    return replace(environment(name, state=state), deployed_at=at)


def deploying(number: int, name: str, at: datetime) -> Run:
    step = replace(DEPLOY, environment=name)
    return replace(run(number, plan=Plan((BUILD, step, TEST))), created_at=at)


@pytest.mark.parametrize(
    ("environments", "active", "expected"),
    [
        ((), (), "preview"),
        ((deployed("staging", NOW),), (), "staging"),
        ((deployed("staging", LATER), READY), (), "staging"),
        ((deployed("staging", NOW), deployed("preview", LATER)), (), "preview"),
        ((deployed("staging", LATER, EnvironmentState.FAILED), READY), (), "staging"),
        ((deployed("removed from the file", LATER), READY), (), "preview"),
        ((READY,), (deploying(8, "staging", LATER),), "staging"),
        ((READY,), (deploying(8, "staging", LATER), deploying(9, "preview", LATER + DAYS)), "preview"),
        ((READY, deployed("staging", LATER)), (run(8, plan=Plan((Teardown("staging"),))),), "preview"),
        ((deployed("staging", LATER),), (run(8, plan=Plan((Teardown(),))),), "preview"),
    ],
)
def test_the_environment_that_was_deployed_last_is_meant(
    environments: tuple[Environment, ...], active: tuple[Run, ...], expected: str
) -> None:
    facts = snapshot(pipeline=STAGED, environments=environments, active=active)

    assert planning.last_deployed(facts) == expected
    assert planning.last_deployed(replace(facts, automatic=True)) == "preview"


@pytest.mark.parametrize("automatic", [True, False])
def test_an_environment_that_an_earlier_command_deploys_is_meant(*, automatic: bool) -> None:
    facts = snapshot(pipeline=STAGED, environments=(READY, deployed("staging", LATER)))
    facts = replace(facts, automatic=automatic)

    assert planning.last_deployed(after(DEPLOY, facts=facts)) == "preview"
    assert planning.last_deployed(after(DEPLOY, STAGING, facts=facts)) == "staging"
    assert planning.last_deployed(after(STAGING, DEPLOY, facts=facts)) == "preview"


def test_an_environment_that_is_not_known_is_refused() -> None:
    facts = {"name": "prod", "known": "preview, staging"}

    assert planning.unknown_environment("prod", ("preview", "staging")) == Refuse(
        Reason.UNKNOWN_ENVIRONMENT, facts
    )
    assert planning.unknown_environment("staging", ("preview", "staging")) is None
    assert planning.unknown_environment(None, ()) is None


MERGED = replace(PIPELINE, ref="merge")
MERGE = Merge("ef" * 20, OLD, OLD)


def merging(merge: Merge | None, deployed: str | None = None, pipeline: Pipeline = MERGED) -> Snapshot:
    """Return the facts with an image of a merge, and an environment in which a merge is deployed."""
    found = replace(snapshot(pipeline=pipeline), images={SHA: replace(IMAGE, merge=merge)})
    environments = {} if deployed is None else {"preview": replace(READY, merge=deployed)}
    return replace(found, environments=environments)


def test_a_merge_is_built_with_the_latest_commit_of_the_base_branch() -> None:
    assert planning.to_build(snapshot(pipeline=MERGED)) == Plan((replace(BUILD, base=OLD, afresh=True),))


@pytest.mark.parametrize(
    ("pipeline", "merge", "base"),
    [
        (MERGED, MERGE, None),
        (MERGED, Merge("ef" * 20, "12" * 20, OLD), None),
        (MERGED, Merge("ef" * 20, OLD, "12" * 20), OLD),
        (MERGED, None, OLD),
        (PIPELINE, None, None),
        (PIPELINE, MERGE, ""),
    ],
)
def test_what_was_built_counts_if_it_is_the_merge_that_is_wanted(
    pipeline: Pipeline, merge: Merge | None, base: str | None
) -> None:
    build = () if base is None else (replace(BUILD, base=base),)
    assert planning.to_deploy(merging(merge, pipeline=pipeline)) == Plan((*build, DEPLOY))


@pytest.mark.parametrize(
    ("pipeline", "merge", "deployed", "steps"),
    [
        (MERGED, MERGE, MERGE.sha, ()),
        (MERGED, MERGE, "12" * 20, (DEPLOY,)),
        (MERGED, MERGE, "", (DEPLOY,)),
        (MERGED, None, MERGE.sha, (replace(BUILD, base=OLD), DEPLOY)),
        (PIPELINE, None, "", ()),
        (PIPELINE, None, MERGE.sha, (DEPLOY,)),
        (PIPELINE, MERGE, MERGE.sha, (BUILD, DEPLOY)),
    ],
)
def test_tests_run_beside_the_merge_that_they_are_of(
    pipeline: Pipeline, merge: Merge | None, deployed: str, steps: tuple[Build | Deploy, ...]
) -> None:
    plan = planning.to_test(merging(merge, deployed, pipeline), TEST.suites, "preview")
    assert plan == Plan((*steps, TEST))


@pytest.mark.parametrize("built", [False, True])
def test_one_comment_builds_and_deploys_a_merge_once(*, built: bool) -> None:
    now = merging(MERGE) if built else snapshot(pipeline=MERGED)
    first = planning.to_deploy(now)
    second = planning.to_test(planning.after(now, first), TEST.suites, "preview")
    build = () if built else (replace(BUILD, base=OLD),)
    assert planning.merge((first, second)) == Plan((*build, DEPLOY, TEST))
    assert second == Plan((TEST,))
