"""The deploy step: runs the image of the pinned commit as an environment of the pull request."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from bot.core.admission.egress import way_out
from bot.core.admission.images import name_of
from bot.core.deciding import placeholders
from bot.core.environments import public
from bot.core.reconciling import ownership
from bot.core.results.restrictions import restricted_by
from bot.model.environment import Endpoint
from bot.model.errors import Overtaken, RetryLater, TellUser
from bot.model.inventory import Item
from bot.model.pipeline import DataLifetime, EnvironmentConfig, ServiceConfig
from bot.model.plan import Deploy
from bot.model.reason import Reason
from bot.model.run import Image, StepResult, StepState
from bot.ports import Definition, EnvironmentSpec, Platform, ServiceSpec, SetupSpec
from bot.steps import definition_commit, service_files, service_logs
from bot.steps.build import prepare, read_dockerfile
from bot.steps.context import StepContext


async def run(step: Deploy, context: StepContext) -> StepResult:
    """Deploy the environment and wait until it is healthy. Raises what the platform raises."""
    image = context.image.led_by(step.image) if context.image else None
    if image is None:
        raise TellUser(Reason.NO_ENVIRONMENT)
    if (endpoint := _taken_over(step, context)) is not None:
        return _passed(step, context, image, endpoint)
    own = name_of(image.reference)
    built = {one.name for one in image.all}
    for name, service in step.services.items():
        if service.image not in built:
            context.adapters.builds.check_image(service.image, own, f"services.{name}")
    spec = specification(step, context, image, await _port(step, context))
    spec = replace(spec, services=await _with_files(spec.services, step, context))
    if spec.keeps_data:
        context.log.note("its data is kept, which one deployment alone can use: this replaces the former one")
    platform = context.adapters.platform(step.config.runner)
    await service_logs.keep(step.environment, (platform,), context)
    async with _definition(step, context) as definition:
        spec = await _beside(replace(spec, definition=definition), step, context)
        await context.confirm()  # Where a later run has removed everything, nothing else refuses this.
        try:
            endpoint = await _deploy(platform, spec, context)
        except TellUser as error:
            foreign = {service.name for service in spec.services if not service.built}
            if spec.restricted and error.facts.get("name") not in foreign:
                raise restricted_by(error) from error
            raise
    context.log.note(f"ready at {context.environments[step.environment].url}")
    return _passed(step, context, image, endpoint)


async def _with_files(
    services: Sequence[ServiceSpec], step: Deploy, context: StepContext
) -> tuple[ServiceSpec, ...]:
    files = await service_files.read(step, context)
    return tuple(replace(one, files=files.get(one.name, ())) for one in services)


async def retire(step: Deploy, context: StepContext) -> None:
    """Remove what this step's deployment has taken over from. Raises what the platform raises.

    One that keeps its data has replaced the former one.
    """
    platform = context.adapters.side_by_side.get(step.config.runner)
    if platform is not None and step.config.data is DataLifetime.FRESH:
        for holder in context.holders:
            await platform.retire(context.key(step.environment), holder)


async def abandon(step: Deploy, context: StepContext) -> None:
    """Remove what an interrupted attempt has left, but nothing that answers. Raises as `retire` does."""
    key, environment = context.key(step.environment), context.environments.get(step.environment)
    platform = context.adapters.side_by_side.get(step.config.runner)
    present = environment.present if environment and platform else None
    if present is not None and present.run == context.run.id:
        return
    for holder in context.holders:
        if platform is not None and present is not None:
            await platform.discard(key, holder)
        else:
            keep = step.config.data is DataLifetime.KEEP
            await context.adapters.platform(step.config.runner).remove(key, holder, keep_data=keep)


def _passed(step: Deploy, context: StepContext, image: Image, endpoint: Endpoint) -> StepResult:
    deployed = context.environments[step.environment]
    return StepResult(
        StepState.PASSED,
        url=deployed.url,
        services=deployed.public,
        environment=step.environment,
        endpoint=endpoint,
        image=image,
    )


def _taken_over(step: Deploy, context: StepContext) -> Endpoint | None:
    """Return where an earlier attempt's deployment answers that was interrupted after it had taken over."""
    environment = context.environments.get(step.environment)
    present = environment.present if environment and context.resumed else None
    return environment.endpoint if environment and present and present.run == context.run.id else None


async def _beside(spec: EnvironmentSpec, step: Deploy, context: StepContext) -> EnvironmentSpec:
    """Return the specification of a deployment beside the one that answers, if both have room."""
    present = context.environments[step.environment].present
    platform = context.adapters.side_by_side.get(step.config.runner)
    if platform is None or present is None or spec.keeps_data:
        return spec
    if await platform.has_room(spec):
        context.log.note("the present deployment answers until this one does")
        return replace(spec, beside=present)
    context.log.note("there is no memory for two deployments: this one replaces the present one")
    await context.replacing()
    return spec


async def _deploy(platform: Platform, spec: EnvironmentSpec, context: StepContext) -> Endpoint:
    """Deploy, also in the place of a later run that this store does not know: it was lost or restored."""
    try:
        return await platform.deploy(spec, context.log)
    except Overtaken as overtaken:
        # What was there before the lease proved valid cannot be a successor's.
        await context.confirm()
        await _check_owner(platform, overtaken.items, context)
        context.log.note(f"{overtaken.facts['message']}, unknown to this store; replacing it")
        await platform.remove_items(overtaken.items)
        return await platform.deploy(spec, context.log)


async def _check_owner(platform: Platform, items: Sequence[Item], context: StepContext) -> None:
    """Raise RetryLater(OWNED_BY_ANOTHER_BOT) if another store's bot owns some of these items."""
    found, now = {item.id for item in items}, context.now()
    present = [item for item in await platform.inventory() if item.id in found]
    if owners := ownership.others(present, context.stores, now):
        until = max(owners.values())
        facts = {"name": present[0].name, "until": f"{until:%H:%M} UTC"}
        raise RetryLater(Reason.OWNED_BY_ANOTHER_BOT, facts, delay=(until - now).total_seconds() + 1)


def specification(step: Deploy, context: StepContext, image: Image, port: int | None) -> EnvironmentSpec:
    """Return the environment that the platform is to deploy."""
    environment = context.environments[step.environment]
    extra = step.config.environments.get(step.environment, EnvironmentConfig())
    return EnvironmentSpec(
        key=context.key(step.environment),
        host=environment.host,
        image=image,
        port=port,
        env={**_facts(step, context), **step.config.env, **extra.env},
        command=step.config.command,
        entrypoint=step.config.entrypoint,
        working_dir=step.config.working_dir,
        aliases=step.config.aliases,
        services=tuple(
            _service(name, service, step, context, image) for name, service in sorted(step.services.items())
        ),
        memory=step.config.memory,
        health_path=step.config.health.path,
        health_timeout=step.config.health.timeout,
        http=step.config.health.protocol == "http",
        trusted=step.trusted,
        restricted=step.config.restricted,
        labels=context.labels(step.environment),
        owner=context.run.author,
        expires=environment.expires_at,
        replace=step.config.replace,
        egress=way_out(context.adapters.egress, context.run.repo, step.environment, trusted=step.trusted),
        setup=SetupSpec(step.config.setup, step.config.setup_timeout),
        keeps_data=step.config.data is DataLifetime.KEEP,
        renews_data=step.renews_data,
        secrets=context.secrets.get("deploy", ()),
        public=public.declared(step.services),
    )


def _service(
    name: str, service: ServiceConfig, step: Deploy, context: StepContext, image: Image
) -> ServiceSpec:
    """Return a service; the name of an image of the commit stands for that image."""
    built = image.led_by(service.image)
    return ServiceSpec(
        name,
        built.pinned if built else service.image,
        {**_facts(step, context), **service.env} if service.public else service.env,
        service.command,
        port=service.port,
        secrets=context.secrets.get(f"services.{name}", ()),
        entrypoint=service.entrypoint,
        working_dir=service.working_dir,
        aliases=service.aliases,
        built=built is not None,
        health_path=service.health.path,
        health_command=service.health.command,
        depends_on=service.depends_on,
        volumes=tuple(dict.fromkeys(service.volumes)),
        memory=service.memory,
    )


@asynccontextmanager
async def _definition(step: Deploy, context: StepContext) -> AsyncIterator[Definition | None]:
    """Provide the configured manifests or chart, if any, from the commit that is trusted."""
    config, repo, source = step.config, context.run.repo, context.adapters.source
    path, chart = config.chart or config.manifests, config.chart is not None
    if path is None or "://" in path:
        yield Definition(path, chart=True, values=_values(step, context)) if path else None
        return
    sha = await definition_commit.fetched(step, context, path)
    async with AsyncExitStack() as stack:
        try:
            archive = await stack.enter_async_context(source.archive(repo, sha, path))
        except TellUser as error:
            if error.reason is Reason.NO_DOCKERFILE:
                raise TellUser(Reason.NO_DEFINITION, {"path": path, "sha": sha}) from error
            raise
        yield Definition(path, archive, chart=chart, values=_values(step, context))


def _values(step: Deploy, context: StepContext) -> dict[str, str]:
    """Return the configured values of a chart, with placeholders filled in."""
    environment = context.environments[step.environment]
    known = {
        **context.values(step.sha),
        "environment": step.environment,
        "host": environment.host,
        "service_url": environment.url,
    }
    return {path: placeholders.fill(text, known) for path, text in step.config.values.items()}


def _facts(step: Deploy, context: StepContext) -> dict[str, str]:
    """Return the variables that public services get; the repository's own ones take precedence."""
    environment = context.environments[step.environment]
    return {
        "COMMIT_SHA": step.sha,
        "PULL_REQUEST": str(context.run.number),
        **public.variables(environment.url, environment.public),
    }


async def _port(step: Deploy, context: StepContext) -> int | None:
    """Return the configured port, otherwise the one for the web that the Dockerfile EXPOSEs."""
    if step.config.port is not None:
        return step.config.port
    source = await prepare(step.sha, context, trusted=step.trusted)
    recipe = await read_dockerfile(step.build, source.sha, context)
    stage = recipe.stage(step.build.target or recipe.default_target)
    return stage.port if stage else None
