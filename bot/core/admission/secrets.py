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

FILES, VARIABLES = "CHATOPS_CREDENTIALS", "CHATOPS_CREDENTIAL_ENV"
"""Parameters of Jenkins jobs with the ids of credentials: for `secrets`, and for `secret_env`."""


def build_part(image: str) -> str:
    """Return the section of `.chatops.yml` that says how an image is built, by its name."""
    return f"images.{image}" if image else "build"


def requests(step: Step) -> tuple[SecretRequest, ...]:
    """Return the secrets that a step asks for; the tests' stage has those of builds.

    A job of Jenkins that tests may build that stage or not: it gets what is asked for the tests.
    """
    match step:
        case Build():
            built = step.images.items()
            return tuple(request for name, config in built for request in _of_build(config, name))
        case Deploy(config=config):
            return (*_of_deployment(config, step.environment), *_of_services(step))
        case Test(config=config):
            asked = _named("test", config.secrets, config.secret_env, step.environment)
            stage = () if config.runner is RunnerName.JENKINS else _of_build(step.build, step.image)
            return (*stage, *asked)
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


def variables(plan: Plan) -> frozenset[str]:
    """Return the secrets whose values a plan asks for as variables."""
    asked = ((request, step) for step in plan.steps for request in requests(step) if request.variable)
    return frozenset(request.name for request, step in asked if gets_value(request, step))


def gets_value(request: SecretRequest, step: Step) -> bool:
    """Return whether the step gets the value: a job gets the id of a credential, whose value Jenkins has."""
    return _runner(request, step) is not RunnerName.JENKINS


def job_parameters(step: Step, grants: Sequence[SecretGrant]) -> dict[str, str]:
    """Return the parameters with the ids of the credentials of a step's job: `name=id`, separated by commas.

    The names are those of secrets, or of the variables that get them. A secret that was withdrawn meanwhile
    is left out.
    """
    ids = {grant.name: grant.jenkins for grant in grants if grant.jenkins}
    found: dict[str, list[str]] = {FILES: [], VARIABLES: []}
    for request in requests(step):
        if request.name in ids:
            parameter = VARIABLES if request.variable else FILES
            found[parameter].append(f"{request.variable or request.name}={ids[request.name]}")
    return {parameter: ",".join(pairs) for parameter, pairs in found.items()}


def _reason(request: SecretRequest, step: Step, grant: SecretGrant | None) -> Reason | None:
    if grant is None:
        return Reason.SECRET_NOT_GRANTED
    if request.step not in grant.steps:
        return Reason.SECRET_NOT_FOR_STEP
    if request.environment and not _any_matches(grant.environments, request.environment):
        return Reason.SECRET_NOT_FOR_ENVIRONMENT
    if grant.trust is SecretTrust.MEMBERS and not _trusted(step):
        return Reason.SECRET_NOT_TRUSTED
    return None if _delivers(request, step, grant) else Reason.SECRET_NOT_DELIVERED


def _delivers(request: SecretRequest, step: Step, grant: SecretGrant) -> bool:
    """Return whether the runner of a step can deliver the secret; a job runs no services."""
    if gets_value(request, step):
        return grant.has_value
    return bool(grant.jenkins) and request.step is not SecretStep.SERVICES


def _facts(reason: Reason, request: SecretRequest, step: Step, repo: RepoPath) -> dict[str, str]:
    table = f"[secrets.{request.name}]"
    settings = {
        Reason.SECRET_NOT_GRANTED: f'{table} repos = ["{repo}"], steps = ["{request.step}"]',
        Reason.SECRET_NOT_FOR_STEP: f'{table} steps = ["{request.step}"]',
        Reason.SECRET_NOT_FOR_ENVIRONMENT: f'{table} environments = ["{request.environment}"]',
        Reason.SECRET_NOT_TRUSTED: f'{table} trust = "{SecretTrust.APPROVED}"',
        Reason.SECRET_NOT_DELIVERED: _missing(request, step),
    }
    known = {
        "name": request.name,
        "part": request.part,
        "environment": request.environment,
        "runner": str(_runner(request, step)),
        "setting": settings.get(reason, ""),
    }
    return {name: value for name, value in known.items() if value}


def _missing(request: SecretRequest, step: Step) -> str:
    """Return the setting without which the runner cannot deliver a secret; empty if it never does."""
    table = f"[secrets.{request.name}]"
    if gets_value(request, step):
        return f'{table} file = "/run/secrets/{request.name}"'
    return "" if request.step is SecretStep.SERVICES else f'{table} jenkins = "ID"'


def _trusted(step: Step) -> bool:
    return not isinstance(step, Teardown) and step.trusted


def _runner(request: SecretRequest, step: Step) -> RunnerName | None:
    if isinstance(step, Test) and request.step is SecretStep.BUILD:
        return step.build.runner
    return step.config.runner


def _any_matches(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _of_build(config: BuildConfig, image: str) -> Iterator[SecretRequest]:
    return (SecretRequest(name, build_part(image)) for name in config.secrets)


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
