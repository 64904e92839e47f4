"""The build step: builds exactly the pinned commit, and pushes its images to the registry."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.core import naming
from bot.core.admission.builds import CACHE_NAMESPACE, cache_namespace, check
from bot.core.admission.images import name_of
from bot.core.admission.secrets import build_part
from bot.core.deciding import copied_files, dockerfile
from bot.core.deciding.image_content import built_before
from bot.core.results import images
from bot.model.errors import ChatOpsError, TellUser
from bot.model.forge import Checkout
from bot.model.limits import SandboxLimits
from bot.model.pipeline import BuildConfig
from bot.model.plan import Build
from bot.model.reason import Reason
from bot.model.run import Image, StepResult, StepState
from bot.model.scan import Severity
from bot.ports import BuildOrder, Built
from bot.steps.build_advice import advice
from bot.steps.built_commit import fetch_built
from bot.steps.context import StepContext
from bot.steps.image_content import content_of
from bot.steps.named_log import NamedLog
from bot.steps.unfetched import missing

DOCKERFILE_LIMITS = SandboxLimits(seconds=10, inline=16 << 10)


async def run(step: Build, context: StepContext) -> StepResult:
    """Fetch, build, push. Raises what the ports raise, and TellUser(NO_DOCKERFILE)."""
    source = await _source(step, context)
    parts = tuple(
        replace(step, config=config, served=name, beside={}) for name, config in step.images.items()
    )
    # A missing Dockerfile is reported before anything is built.
    recipes = [await _recipe(part, source, context) for part in parts]
    await context.adapters.registry.prepare(context.run.repo)
    at_once = asyncio.Semaphore(context.adapters.builds_at_once)
    building = [
        asyncio.create_task(_image(part, recipe, source, context, at_once))
        for part, recipe in zip(parts, recipes, strict=True)
    ]
    return images.joined(await _all_or_none(building))


async def _all_or_none(tasks: Sequence[asyncio.Task[StepResult]]) -> list[StepResult]:
    """Return the results of all tasks; after the first error, stop the others and raise it.

    Unlike a TaskGroup, it passes on a second cancellation, to tasks that clean up after the first.
    """
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _recipe(part: Build, source: Checkout, context: StepContext) -> dockerfile.Dockerfile:
    try:
        return await read_dockerfile(part.config, source.sha, context)
    except ChatOpsError as error:
        error.facts = images.about(error.facts, part.served)
        raise


async def _image(
    part: Build,
    recipe: dockerfile.Dockerfile,
    source: Checkout,
    context: StepContext,
    at_once: asyncio.Semaphore,
) -> StepResult:
    """Build and push one image; errors and the log say its name if there are several."""
    if part.served:
        context = replace(context, log=NamedLog(context.log, part.served))
    async with at_once:
        try:
            result = await _built(part, recipe, source, context)
        except ChatOpsError as error:
            error.facts = images.about(error.facts, part.served)
            raise
    return replace(result, facts=images.about(result.facts, part.served)) if result.reason else result


async def _built(
    step: Build,
    recipe: dockerfile.Dockerfile,
    source: Checkout,
    context: StepContext,
) -> StepResult:
    target = step.config.target or recipe.default_target
    content = await content_of(step, _in_context(step.config), source, context)
    before = await _reusable(step, content, context)
    if before is not None:
        return await _again(step, replace(before, merge=source.merge), context)
    commit = source.merge.sha if source.merge else step.sha
    tag = context.adapters.registry.tag_for(context.run.repo, context.run.number, commit, step.served)
    lacking = await missing(step.config, source, context)
    try:
        order = replace(step, config=replace(step.config, target=target))
        built = await build_target(order, source, tag, context)
    except TellUser as error:
        known = {"known": ", ".join(recipe.names)} if error.reason is Reason.TARGET_UNKNOWN else {}
        error.facts = {**error.facts, **known, **lacking}
        raise
    digest = await context.adapters.builder(step.config.runner).push(tag, context.log)
    context.log.note(f"pushed {tag}@{digest}")
    content = "" if lacking else content
    pushed = Image(tag, digest, built.size, step.sha, name=step.served, merge=source.merge, content=content)
    found = verdict(await context.adapters.registry.examine(pushed, context.log), context.adapters.fail_on)
    if found.reason is None and lacking:
        return replace(found, reason=Reason.NOT_FETCHED, facts=lacking)
    return found


async def _reusable(step: Build, content: str, context: StepContext) -> Image | None:
    """Return the image of the same content that the registry still has."""
    for before in () if step.afresh else built_before(context.built, step.served, content):
        if await context.adapters.registry.has(before):
            return before
        context.log.note(f"the registry no longer has {before.reference}")
    return None


async def _again(step: Build, before: Image, context: StepContext) -> StepResult:
    """Return the result with an unchanged image of an earlier commit."""
    since = before.built_from or before.sha
    context.log.note(f"nothing in paths has changed since commit {since[:8]}: using {before.reference}")
    image = replace(before, sha=step.sha, built_from=since if since != step.sha else "")
    adapters = context.adapters
    return verdict(await adapters.registry.examine(image, context.log), adapters.fail_on)


def verdict(image: Image, fail_on: Severity | None) -> StepResult:
    """Return whether the image passes the operator's threshold; one without a scan does not."""
    if fail_on is None:
        return StepResult(StepState.PASSED, image=image)
    if image.scan is None:
        unscanned = {"message": image.reference}
        return StepResult(StepState.BROKEN, Reason.SCAN_UNAVAILABLE, unscanned, image=image)
    found = image.scan.at_least(fail_on)
    if not found:
        return StepResult(StepState.PASSED, image=image)
    facts = {
        "severity": str(fail_on),
        "found": str(found),
        "total": str(image.scan.total),
        "fixable": str(image.scan.fixable),
    }
    return StepResult(StepState.FAILED, Reason.VULNERABLE, facts, image=image)


async def _source(step: Build, context: StepContext) -> Checkout:
    """Fetch what is built, with its submodules. Raises what `Source` raises."""
    run_, source = context.run, context.adapters.source
    if not step.base:
        await source.fetch(run_.repo, run_.clone_url, run_.number, step.sha)
        return await source.checkout(run_.repo, step.sha, trusted=step.trusted)
    merge = await source.fetch_merge(run_.repo, run_.clone_url, run_.number, step.sha, step.base)
    context.log.note(f"building {merge.sha[:8]}: {step.sha[:8]} merged into {merge.base[:8]}")
    found = await source.checkout(run_.repo, merge.sha, trusted=step.trusted)
    return replace(found, merge=merge)


async def prepare(sha: str, context: StepContext, *, trusted: bool) -> Checkout:
    """Fetch what the images of the pinned commit were built from, with its submodules.

    Raises what `Source` raises.
    """
    commit = await fetch_built(sha, context)
    return await context.adapters.source.checkout(context.run.repo, commit, trusted=trusted)


async def read_dockerfile(config: BuildConfig, sha: str, context: StepContext) -> dockerfile.Dockerfile:
    """Return the Dockerfile of a prepared commit; raises TellUser(NO_DOCKERFILE) or TooExpensive."""
    text = (await _content(config, sha, context)).decode("utf-8", "replace")
    sandbox = context.adapters.sandbox
    return await sandbox.call(DOCKERFILE_LIMITS, _in_context(config), dockerfile.read, text)


async def build_target(step: Build, source: Checkout, tag: str, context: StepContext) -> Built:
    """Build one target of an image of a prepared commit.

    Raises TellUser for a Dockerfile that the policy refuses.
    """
    config, run_ = step.config, context.run
    context.log.note(
        f"building {tag} from commit {step.sha[:8]}" + (f", target {config.target}" if config.target else "")
    )
    content = await _with_files(config, await _content(config, source.sha, context), source, context)
    path, text = _in_context(config), content.decode("utf-8", "replace")
    cache = cache_namespace(context.adapters.instance, run_.repo, run_.number, trusted=step.trusted)
    args = {**config.args, CACHE_NAMESPACE: cache}
    secrets = context.secrets.get(build_part(step.served), ())
    policy = replace(context.adapters.builds, secrets=tuple(one.name for one in secrets))
    checked = (policy, path, text, args, name_of(tag))
    await context.adapters.sandbox.call(DOCKERFILE_LIMITS, path, check, *checked)
    async with context.adapters.source.archive(run_.repo, source.sha, config.context) as folder:
        order = BuildOrder(
            tag=tag,
            dockerfile=config.dockerfile,
            target=config.target,
            args=args,
            labels=context.labels(),
            context=folder,
            text=content,
            policy=policy,
            cache=cache,
            cache_tag=naming.cache_tag(None if step.trusted else run_.number),
            secrets=secrets,
        )
        return await context.adapters.builder(config.runner).build(order, context.log)


async def _with_files(config: BuildConfig, content: bytes, source: Checkout, context: StepContext) -> bytes:
    """Return the Dockerfile with the instructions that copy `files`; those the commit lacks are skipped."""
    if not config.files:
        return content
    tree = await context.adapters.source.tree(context.run.repo, source.sha)
    files = copied_files.existing(config.files, config.context, tree.files)
    for target in config.files.keys() - files.keys():
        context.log.note(f"{target} is not copied: the commit has no {config.files[target]}")
    if not files:
        return content
    sandbox, text = context.adapters.sandbox, content.decode("utf-8", "replace")
    path = _in_context(config)
    added = await sandbox.call(DOCKERFILE_LIMITS, path, copied_files.with_files, text, config.target, files)
    return added.encode()


async def _content(config: BuildConfig, sha: str, context: StepContext) -> bytes:
    if config.inline is not None:
        return config.inline.encode()
    content = await context.adapters.source.read(context.run.repo, sha, _in_context(config))
    if content is None:
        facts = {"path": _in_context(config), **await advice(sha, context)}
        raise TellUser(Reason.NO_DOCKERFILE, facts)
    return content


def _in_context(config: BuildConfig) -> str:
    # As with `docker build CONTEXT`, the Dockerfile's path is relative to the context.
    return config.dockerfile if config.context == "." else f"{config.context.rstrip('/')}/{config.dockerfile}"
