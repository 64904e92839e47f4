"""Values that the parts of the bot take from the settings."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from bot.core import duration
from bot.core.admission.answering import AnswerPolicy
from bot.core.admission.builds import BuildPolicy
from bot.core.admission.images import ImagePolicy
from bot.core.admission.permissions import Policy
from bot.core.language import catalog
from bot.core.language.command import AnyCommand
from bot.core.reconciling.retention import RetentionPolicy
from bot.core.runs.scheduling import RunLimits
from bot.model.account import RegistryAccount
from bot.model.addresses import WELL_KNOWN, Addresses
from bot.model.container_limits import ContainerMaximum
from bot.model.egress import EgressRule
from bot.model.pipeline import RunnerName
from bot.model.secrets import SecretGrant
from bot.model.snapshot import CommandSettings
from bot.secrets.sources import SecretSource
from bot.settings.model import Settings
from bot.web import connections

SHORTEST = timedelta(seconds=1)


def addresses(settings: Settings, *, web_port: int, preview_port: int) -> Addresses:
    """Return the public addresses of the pages and of the previews."""
    preview = settings.preview
    default_port = WELL_KNOWN["https"] if preview.scheme == "https" else preview_port
    return Addresses(
        settings.server.public_url or f"http://{settings.server.host}:{web_port}",
        preview.domain,
        preview.scheme,
        preview.public_port or default_port,
    )


def instance(settings: Settings) -> str:
    """Return the name of this bot among those that share a runner or Gitee's account."""
    return settings.docker.instance if settings.docker.enabled else settings.kubernetes.instance


def connection_limits(settings: Settings) -> connections.ConnectionLimits:
    """Return the limits on connections of each port."""
    server = settings.server
    return connections.ConnectionLimits(
        server.connections, server.connections_per_address, server.header_timeout
    )


def policy(settings: Settings, commands: Sequence[AnyCommand]) -> Policy:
    """Return the operator's rules. Raises RuntimeError for those that are about nothing."""
    if wrong := catalog.misnamed(settings.permissions, commands):
        raise RuntimeError("\n".join(wrong))
    return Policy(settings.permissions)


def command_settings(settings: Settings, addresses: Addresses) -> CommandSettings:
    """Return the settings that commands read."""
    return CommandSettings(
        addresses,
        duration.parse(settings.preview.ttl),
        warning_time(settings),
        brief=settings.comments.style == "brief",
        secrets=secret_grants(settings),
    )


def secret_grants(settings: Settings) -> tuple[SecretGrant, ...]:
    """Return which steps may have which of the operator's secrets."""
    return tuple(secret.grant(name) for name, secret in settings.secrets.items())


def egress_rules(settings: Settings) -> tuple[EgressRule, ...]:
    """Return which previews may reach which networks."""
    return tuple(egress.rule(name) for name, egress in settings.egress.items())


def secret_sources(settings: Settings) -> tuple[SecretSource, ...]:
    """Return where the values of the operator's secrets are that the bot can read."""
    return tuple(secret.source(name) for name, secret in settings.secrets.items() if secret.has_value)


def answer_policy(settings: Settings) -> AnswerPolicy:
    """Return how often people without write access are answered."""
    return AnswerPolicy(settings.comments.strangers == "answer", settings.comments.answers)


def build_policy(settings: Settings) -> BuildPolicy:
    """Return what builds and services may fetch."""
    registry = settings.registry
    images = ImagePolicy(urlsplit(registry.url).netloc, registry.project, registry.bases)
    return BuildPolicy(settings.build.frontends, settings.build.addresses, images)


def registry_account(settings: Settings) -> RegistryAccount | None:
    """Return the account that builds push with; None if the registry accepts anonymous pushes."""
    chosen = settings.registry
    if not chosen.username:
        return None
    return RegistryAccount(urlsplit(chosen.url).netloc, chosen.username, chosen.password.get_secret_value())


def limits(settings: Settings) -> RunLimits:
    """Return how many runs may be under way."""
    chosen = settings.limits
    runners = {
        RunnerName.DOCKER: chosen.docker,
        RunnerName.KUBERNETES: chosen.kubernetes,
        RunnerName.JENKINS: chosen.jenkins,
    }
    return RunLimits(
        chosen.runs, chosen.runs_per_repository, {runner: most for runner, most in runners.items() if most}
    )


def container_maximum(settings: Settings) -> dict[str, ContainerMaximum]:
    """Return what a repository may ask for, by the names of the runners that have containers."""
    docker, kubernetes = settings.docker, settings.kubernetes
    return {
        str(RunnerName.DOCKER): ContainerMaximum(docker.memory_max, docker.cpus),
        str(RunnerName.KUBERNETES): ContainerMaximum(kubernetes.memory_max, kubernetes.cpus),
    }


def retention(settings: Settings) -> RetentionPolicy:
    """Return the retention policy."""
    chosen = settings.retention
    spans = (chosen.logs, chosen.reports, chosen.runs, chosen.deliveries, chosen.audit)
    return RetentionPolicy(*(duration.parse(span, maximum=duration.LONGEST_KEPT) for span in spans))


def warning_time(settings: Settings) -> timedelta:
    """Return how long before the teardown of an environment its pull request is warned; zero means never."""
    return _duration_or_zero(settings.preview.warn)


def idle_time(settings: Settings) -> timedelta:
    """Return how long a preview has no visitors before it is scaled to zero; zero means never."""
    return _duration_or_zero(settings.kubernetes.sleep_after)


def _duration_or_zero(text: str) -> timedelta:
    return timedelta() if text == "0" else duration.parse(text, minimum=SHORTEST)
