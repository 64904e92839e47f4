"""Which steps may have which secrets, and why others may not."""

from dataclasses import replace

import pytest

from bot.core.admission.secrets import first_refusal, job_parameters, refusal, requests, variables
from bot.core.admission.served import overlaps
from bot.model.pipeline import (
    BuildConfig,
    DeployConfig,
    EnvironmentConfig,
    RunnerName,
    ServiceConfig,
    TestConfig,
)
from bot.model.plan import Build, Deploy, Plan, Step, Teardown, Test
from bot.model.reason import Reason
from bot.model.secrets import SecretGrant, SecretRequest, SecretStep, SecretTrust, SecretValue
from tests.fakes.snapshots import REPO, SHA

EVERYWHERE = tuple(SecretStep)
GRANT = SecretGrant("token", ("team/*",), EVERYWHERE)

BUILD = Build(SHA, BuildConfig(secrets=("token",)), trusted=True)
DEPLOY = Deploy(SHA, DeployConfig(secrets=("token",)), {}, trusted=True)
SERVICE = Deploy(
    SHA, DeployConfig(), {"db": ServiceConfig("db:1", secret_env={"KEY": "token"})}, trusted=True
)
TEST = Test(SHA, TestConfig(secrets=("token",)), BuildConfig(), trusted=True)
STEPS: dict[SecretStep, Build | Deploy | Test] = {
    SecretStep.BUILD: BUILD,
    SecretStep.DEPLOY: DEPLOY,
    SecretStep.SERVICES: SERVICE,
    SecretStep.TEST: TEST,
}
EACH = pytest.mark.parametrize("kind", STEPS)


def reason(step: Step, *grants: SecretGrant) -> Reason | None:
    found = refusal(step, REPO, grants)
    return found.reason if found else None


SEVERAL = Build(
    SHA,
    BuildConfig(secrets=("token",)),
    trusted=True,
    served="web",
    beside={"api": BuildConfig(secrets=("key",)), "cron": BuildConfig()},
)


@pytest.mark.attack
def test_each_of_several_images_gets_its_own_secrets_and_no_others() -> None:
    assert requests(SEVERAL) == (SecretRequest("token", "images.web"), SecretRequest("key", "images.api"))
    assert {request.step for request in requests(SEVERAL)} == {SecretStep.BUILD}
    found = refusal(SEVERAL, REPO, (GRANT,))
    assert found is not None
    assert (found.reason, found.facts["part"]) == (Reason.SECRET_NOT_GRANTED, "images.api")


def test_the_tests_of_one_of_several_images_get_the_secrets_of_its_build() -> None:
    step = Test(SHA, TestConfig(), BuildConfig(secrets=("key",)), trusted=True, image="api")
    assert requests(step) == (SecretRequest("key", "images.api"),)


@EACH
def test_a_granted_secret_is_given_to_the_step_that_is_named_alone(kind: SecretStep) -> None:
    assert reason(STEPS[kind], replace(GRANT, steps=(kind,))) is None
    others = tuple(step for step in SecretStep if step is not kind)
    assert reason(STEPS[kind], replace(GRANT, steps=others)) is Reason.SECRET_NOT_FOR_STEP


@EACH
def test_an_unknown_secret_and_one_of_other_repositories_are_refused_alike(kind: SecretStep) -> None:
    other = replace(GRANT, repos=("team/*", "!team/shop"))
    assert refusal(STEPS[kind], REPO, ()) == refusal(STEPS[kind], REPO, (other,))
    assert reason(STEPS[kind]) is Reason.SECRET_NOT_GRANTED


@EACH
def test_a_commit_of_an_outside_contributor_has_only_what_is_for_approved_commits(kind: SecretStep) -> None:
    step = replace(STEPS[kind], trusted=False)
    assert reason(step, GRANT) is Reason.SECRET_NOT_TRUSTED
    assert reason(step, replace(GRANT, trust=SecretTrust.APPROVED)) is None


@pytest.mark.parametrize("kind", [SecretStep.DEPLOY, SecretStep.SERVICES, SecretStep.TEST])
def test_a_grant_can_be_for_some_environments(kind: SecretStep) -> None:
    grant = replace(GRANT, environments=("stag*",))
    assert reason(STEPS[kind], grant) is Reason.SECRET_NOT_FOR_ENVIRONMENT
    step = STEPS[kind]
    assert not isinstance(step, Build)
    assert reason(replace(step, environment="staging"), grant) is None


def test_a_build_has_no_environment() -> None:
    assert reason(BUILD, replace(GRANT, environments=())) is None


def test_a_runner_that_delivers_no_secrets_is_named() -> None:
    step = replace(DEPLOY, config=replace(DEPLOY.config, runner=RunnerName.JENKINS))
    found = refusal(step, REPO, (GRANT,))
    assert found is not None
    assert found.reason is Reason.SECRET_NOT_DELIVERED
    assert found.facts["runner"] == "jenkins"


@pytest.mark.parametrize(
    "step",
    [
        *(
            replace(one, config=replace(one.config, runner=RunnerName.KUBERNETES))
            for one in (DEPLOY, SERVICE)
        ),
        replace(TEST, config=replace(TEST.config, runner=RunnerName.KUBERNETES)),
    ],
)
def test_kubernetes_delivers_secrets(step: Step) -> None:
    assert reason(step, GRANT) is None


BUILT_BY_JOB = replace(BUILD, config=replace(BUILD.config, runner=RunnerName.JENKINS))
DEPLOYED_BY_JOB = replace(DEPLOY, config=replace(DEPLOY.config, runner=RunnerName.JENKINS))
TESTED_BY_JOB = replace(
    TEST,
    config=replace(TEST.config, runner=RunnerName.JENKINS, secret_env={"KEY": "token", "CERT": "cert"}),
    build=replace(BUILD.config, secrets=("of-the-build",)),
)
JOBS = pytest.mark.parametrize("step", [BUILT_BY_JOB, DEPLOYED_BY_JOB, TESTED_BY_JOB])


@JOBS
def test_a_job_gets_what_jenkins_has(step: Build | Deploy | Test) -> None:
    in_jenkins = replace(GRANT, jenkins="npm.read_only-1", has_value=False)
    cert = replace(in_jenkins, name="cert")
    assert reason(step, in_jenkins, cert) is None
    found = refusal(step, REPO, (GRANT, cert))
    assert found is not None
    assert found.reason is Reason.SECRET_NOT_DELIVERED
    assert found.facts["setting"] == '[secrets.token] jenkins = "ID"'


def test_a_job_is_checked_like_any_other_step() -> None:
    in_jenkins = replace(GRANT, jenkins="id")
    step = DEPLOYED_BY_JOB
    assert reason(step, replace(in_jenkins, repos=("other/*",))) is Reason.SECRET_NOT_GRANTED
    assert reason(step, replace(in_jenkins, steps=())) is Reason.SECRET_NOT_FOR_STEP
    assert reason(step, replace(in_jenkins, environments=())) is Reason.SECRET_NOT_FOR_ENVIRONMENT
    assert reason(replace(step, trusted=False), in_jenkins) is Reason.SECRET_NOT_TRUSTED


def test_no_job_runs_services() -> None:
    step = replace(SERVICE, config=DeployConfig(RunnerName.JENKINS))
    found = refusal(step, REPO, (replace(GRANT, jenkins="id"),))
    assert found is not None
    assert found.reason is Reason.SECRET_NOT_DELIVERED
    assert "setting" not in found.facts


def test_what_only_jenkins_has_is_given_to_no_other_runner() -> None:
    found = refusal(BUILD, REPO, (replace(GRANT, jenkins="id", has_value=False),))
    assert found is not None
    assert found.reason is Reason.SECRET_NOT_DELIVERED
    assert found.facts["setting"] == '[secrets.token] file = "/run/secrets/token"'


def test_jobs_get_the_ids_of_credentials_by_the_names_that_the_repository_uses() -> None:
    grants = (replace(GRANT, jenkins="npm-1"), replace(GRANT, name="cert", jenkins="cert-2"))
    assert job_parameters(TESTED_BY_JOB, grants) == {
        "CHATOPS_CREDENTIALS": "token=npm-1",
        "CHATOPS_CREDENTIAL_ENV": "KEY=npm-1,CERT=cert-2",
    }
    assert set(job_parameters(TESTED_BY_JOB, (GRANT,)).values()) == {""}
    assert set(job_parameters(Teardown(), grants).values()) == {""}


def test_the_stage_with_the_tests_has_the_secrets_of_builds() -> None:
    step = replace(TEST, build=BuildConfig(RunnerName.JENKINS, secrets=("key",)))
    assert requests(step) == (SecretRequest("key", "build"), SecretRequest("token", "test", "preview"))
    assert reason(step, GRANT, replace(GRANT, name="key")) is Reason.SECRET_NOT_DELIVERED


def test_an_environment_adds_secrets_of_its_own() -> None:
    staging = EnvironmentConfig(secrets=("token", "cert"), secret_env={"A": "one"})
    config = DeployConfig(secrets=("token",), secret_env={"A": "two"}, environments={"staging": staging})
    step = replace(DEPLOY, config=config, environment="staging")
    assert requests(step) == (
        SecretRequest("token", "deploy", "staging"),
        SecretRequest("cert", "deploy", "staging"),
        SecretRequest("one", "deploy", "staging", "A"),
    )


@pytest.mark.parametrize(
    ("step", "grants", "setting"),
    [
        (BUILD, (), '[secrets.token] repos = ["team/shop"], steps = ["build"]'),
        (TEST, (replace(GRANT, steps=()),), '[secrets.token] steps = ["test"]'),
        (DEPLOY, (replace(GRANT, environments=()),), '[secrets.token] environments = ["preview"]'),
        (replace(TEST, trusted=False), (GRANT,), '[secrets.token] trust = "approved"'),
    ],
)
def test_a_refusal_says_what_the_operator_can_set(
    step: Step, grants: tuple[SecretGrant, ...], setting: str
) -> None:
    found = refusal(step, REPO, grants)
    assert found is not None
    assert found.facts["setting"] == setting


def test_the_first_step_of_a_plan_that_is_refused_counts() -> None:
    plan = Plan((Teardown(), BUILD, TEST))
    assert first_refusal(plan, REPO, (GRANT,)) is None
    found = first_refusal(plan, REPO, (replace(GRANT, steps=(SecretStep.BUILD,)),))
    assert found is not None
    assert found.facts["part"] == "test"


def test_a_teardown_asks_for_nothing() -> None:
    assert requests(Teardown()) == ()


@pytest.mark.parametrize(
    ("value", "fits", "text"),
    [
        (b"one line", True, "one line"),
        (b"one line\n", True, "one line"),
        (b"one line\r\n", True, "one line"),
        ("口令".encode(), True, "口令"),
        (b"two\nlines", False, "two\nlines"),
        (b"two\rlines\n", False, "two\rlines"),
        (b"two\n\n", False, "two\n"),
        (b"\xff\xfe", False, "\ufffd\ufffd"),
    ],
)
def test_a_variable_takes_one_line_of_text(value: bytes, fits: bool, text: str) -> None:  # noqa: FBT001 - a case
    found = SecretValue("token", value, "TOKEN")
    assert (found.fits_variable, found.text) == (fits, text)
    assert repr(value)[2:6] not in repr(found)


@pytest.mark.parametrize(
    ("wanted", "overlap"),
    [
        ("team/shop", True),
        ("TEAM/*", True),
        ("*/*", True),
        ("t*m/s?op", True),
        ("other/shop", False),
        ("team", False),
        ("teams/shop", False),
        ("[a-z]eam/x", True),
    ],
)
def test_a_grant_for_no_served_repository_is_noticed(wanted: str, overlap: bool) -> None:  # noqa: FBT001 - a case
    assert overlaps(["team/*", "!team/shop"], wanted) is overlap


def test_the_values_that_a_plan_asks_for_as_variables_are_named() -> None:
    job = replace(TEST, config=TestConfig(runner=RunnerName.JENKINS, secret_env={"KEY": "credential"}))

    assert variables(Plan((BUILD, SERVICE, TEST))) == {"token"}
    assert variables(Plan((BUILD, DEPLOY, job))) == frozenset()
