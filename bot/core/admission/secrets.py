"""Which secrets of the operator a step asks for, and whether it may have them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from bot.core.admission.served import serves
from bot.model.forge import RepoPath
from bot.model.outcome import Refuse
from bot.model.pipeline import BuildConfig, DeployConfig, EnvironmentConfig, RunnerName
from bot.model.plan import Build, Deploy, Plan, Step, Teardown, Test
from bot.model.reason import Reason
from bot.model.secrets import SecretGrant, SecretRequest, SecretStep, SecretTrust

_DELIVERING = frozenset({RunnerName.DOCKER, RunnerName.KUBERNETES})
"""The runners that deliver secrets to steps."""


def requests(step: Step) -> tuple[SecretRequest, ...]:
    """Return the secrets that a step asks for; the tests' stage has those of builds."""
    match step:
        case Build(config=config):
            return tuple(_of_build(config))
        case Deploy(config=config):
            return (*_of_deployment(config, step.environment), *_of_services(step))
        case Test(config=config):
            asked = _named("test", config.secrets, config.secret_env, step.environment)
            return (*_of_build(step.build), *asked)
        case _:
            return ()


def refusal(step: Step, repo: RepoPath, grants: Sequence[SecretGrant]) -> Refuse | None:
    """Return why a step may not have what it asks for, None if it may.

    A secret that does not exist is refused like one that is for other repositories only: what else the
    operator has named is nothing that a pull request should find out.
    """
    granted = {grant.name: grant for grant in grants if serves(grant.repos, repo)}
    for request in requests(step):
        found = _reason(request, step, granted.get(request.name))
        if found is not None:
            return Refuse(found, _facts(found, request, step, repo))
    return None


def first_refusal(plan: Plan, repo: RepoPath, grants: Sequence[SecretGrant]) -> Refuse | None:
    """Return why the first step is refused that may not have what it asks for."""
    found = (refusal(step, repo, grants) for step in plan.steps)
    return next((one for one in found if one is not None), None)


def _reason(request: SecretRequest, step: Step, grant: SecretGrant | None) -> Reason | None:
    if grant is None:
        return Reason.SECRET_NOT_GRANTED
    if request.step not in grant.steps:
        return Reason.SECRET_NOT_FOR_STEP
    if request.environment and not _any_matches(grant.environments, request.environment):
        return Reason.SECRET_NOT_FOR_ENVIRONMENT
    if grant.trust is SecretTrust.MEMBERS and not _trusted(step):
        return Reason.SECRET_NOT_TRUSTED
    if _runner(request, step) not in _DELIVERING:
        return Reason.SECRET_NOT_DELIVERED
    return None


def _facts(reason: Reason, request: SecretRequest, step: Step, repo: RepoPath) -> dict[str, str]:
    table = f"[secrets.{request.name}]"
    settings = {
        Reason.SECRET_NOT_GRANTED: f'{table} repos = ["{repo}"], steps = ["{request.step}"]',
        Reason.SECRET_NOT_FOR_STEP: f'{table} steps = ["{request.step}"]',
        Reason.SECRET_NOT_FOR_ENVIRONMENT: f'{table} environments = ["{request.environment}"]',
        Reason.SECRET_NOT_TRUSTED: f'{table} trust = "{SecretTrust.APPROVED}"',
    }
    known = {
        "name": request.name,
        "part": request.part,
        "environment": request.environment,
        "runner": str(_runner(request, step)),
        "setting": settings.get(reason, ""),
    }
    return {name: value for name, value in known.items() if value}


def _trusted(step: Step) -> bool:
    return not isinstance(step, Teardown) and step.trusted


def _runner(request: SecretRequest, step: Step) -> RunnerName | None:
    if isinstance(step, Test) and request.step is SecretStep.BUILD:
        return step.build.runner
    return step.config.runner


def _any_matches(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _of_build(config: BuildConfig) -> Iterator[SecretRequest]:
    return (SecretRequest(name, "build") for name in config.secrets)


def _of_deployment(config: DeployConfig, environment: str) -> Iterator[SecretRequest]:
    extra = config.environments.get(environment, EnvironmentConfig())
    variables = {**config.secret_env, **extra.secret_env}
    return _named("deploy", (*config.secrets, *extra.secrets), variables, environment)


def _of_services(step: Deploy) -> Iterator[SecretRequest]:
    for name, service in sorted(step.services.items()):
        yield from _named(f"services.{name}", service.secrets, service.secret_env, step.environment)


def _named(
    part: str, files: Iterable[str], variables: Mapping[str, str], environment: str
) -> Iterator[SecretRequest]:
    for name in dict.fromkeys(files):
        yield SecretRequest(name, part, environment)
    for variable, name in variables.items():
        yield SecretRequest(name, part, environment, variable)
