"""The command line of `chatops`: parses options, calls the bot, prints results."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import click

from bot.app.adapters import Adapters, open_adapters, own_secrets
from bot.app.audit import audit_records
from bot.app.bot import running
from bot.app.gc import clear
from bot.app.process import masked_logs, prepared
from bot.app.shutdown import Shutdown
from bot.core.auditing import showing
from bot.core.results.masking import Masker
from bot.dns.corefile import dynamic, wildcard
from bot.doctor.examination import examine, lines, passed, summary
from bot.doctor.findings import DoctorOptions, Finding
from bot.doctor.settings import broken
from bot.model.audit import AuditFilter
from bot.model.errors import ChatOpsError
from bot.model.forge import RepoPath
from bot.model.text import Language
from bot.settings.load import load
from bot.settings.model import Settings
from bot.settings.problems import SettingsError

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("chatops.toml")
_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file.  [default: chatops.toml, if there is one]",
)


def _port(*names: str, usual: int, what: str) -> Callable[[F], F]:
    """Return an option for a port of the playground."""
    return click.option(*names, type=int, help=f"{what}  [default: {usual}; a free port with --demo-pr]")


def _version() -> str:
    try:
        return version("gitee-chatops")
    except PackageNotFoundError:
        return "unknown (not installed)"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="chatops")
def main() -> None:
    """ChatOps for Gitee pull requests: build, preview, test and report from a comment."""


@main.command()
@_CONFIG
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Least severe messages to log.",
)
def serve(config: Path | None, log_level: str) -> None:
    """Run the bot. Environment variables CHATOPS_SECTION__KEY override the configuration file."""
    logging.basicConfig(
        level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for chatty in ("httpx", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = _settings(config)
    masker = Masker(own_secrets(settings))
    try:
        with prepared(settings.server.data_dir), masked_logs(masker):
            asyncio.run(_serve(settings, masker))
    except (OSError, ChatOpsError, RuntimeError) as error:
        raise click.ClickException(masker.mask(str(error))) from error


@main.command()
@click.option(
    "--demo-pr",
    is_flag=True,
    help="Play the life of one pull request, print its comments, and exit with 0 or 1.",
)
@click.option("--jenkins", is_flag=True, help="Build and test the demo with an offline Jenkins.")
@_port("--jenkins-port", usual=8004, what="Port of the offline Jenkins.")
@_port("--port", "gitee_port", usual=8002, what="Port of the offline Gitee.")
@_port("--bot-port", usual=8001, what="Port of the bot.")
@_port("--preview-port", usual=8003, what="Port of the preview proxy.")
@click.option("--registry", default="http://127.0.0.1:5000", show_default=True, help="Registry to push to.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for all data, instead of a temporary one.",
)
def playground(**options: Any) -> None:
    """Start an offline Gitee for the browser, together with the bot."""
    try:
        from playground.terminal import PlaygroundOptions, play_until_interrupted  # noqa: PLC0415 - serve needs none of it
    except ImportError as missing:
        raise click.ClickException(
            f"{missing}\nInstall it: pip install 'gitee-chatops[playground]'"
        ) from missing
    sys.exit(asyncio.run(play_until_interrupted(PlaygroundOptions(**options))))


@main.command()
@_CONFIG
@click.option(
    "--language",
    type=click.Choice([language.value for language in Language]),
    help="Language of the findings.  [default: the language of comments]",
)
@click.option("--repo", "repos", multiple=True, metavar="OWNER/REPO", help="Repository to check; repeatable.")
def doctor(config: Path | None, language: str | None, repos: tuple[str, ...]) -> None:
    """Check every part that the bot needs.

    Prints how to fix each problem. Exits with 1 if there is one.
    """
    try:
        named = tuple(RepoPath.parse(repo) for repo in repos)
        settings = load(_found(config), os.environ)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    except SettingsError as error:
        _print("settings", [broken(error)], Language(language or Language.ZH))
        sys.exit(1)
    chosen = Language(language or settings.comments.language)
    sys.exit(asyncio.run(_examine(DoctorOptions(settings, named), chosen)))


@main.group("dns")
def dns() -> None:
    """Print DNS configuration for the previews."""


@dns.command()
@_CONFIG
@click.option("--zone", help="Zone to serve.  [default: [preview] domain]")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    help="Address that the names resolve to; repeatable.  [default: [dns] address]",
)
def coredns(config: Path | None, zone: str | None, addresses: tuple[str, ...]) -> None:
    """Print a Corefile for the zone of the previews.

    It serves a wildcard or, if [dns] etcd is set and --address is not given, the records in etcd.
    """
    settings = _settings(config)
    chosen = (zone or settings.preview.domain).strip(".")
    try:
        if settings.dns.etcd and not addresses:
            text = dynamic(chosen, settings.dns.etcd, settings.dns.etcd_path)
        else:
            text = wildcard(chosen, addresses or tuple(filter(None, [settings.dns.address])))
    except ValueError as error:
        advice = "give --zone and --address, or set [preview] domain and [dns] address"
        raise click.ClickException(f"{error}; {advice}") from error
    click.echo(text, nl=False)


@main.command()
@_CONFIG
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
def gc(config: Path | None, *, dry_run: bool) -> None:
    """Remove orphaned resources.

    These are containers, networks, namespaces, images and registry tags that have no owner. The bot, which
    does this periodically, need not be stopped. Exits with 1 if something could not be checked.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    settings = _settings(config)
    try:
        complete = asyncio.run(clear(settings, click.echo, dry_run=dry_run))
    except (OSError, ChatOpsError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if complete else 1)


def _moment(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    try:
        return None if value is None else showing.moment(value, datetime.now(UTC))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _patterns(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    odd = [value for value in values if not all(value.removeprefix("!").partition("/"))]
    if odd:
        raise click.BadParameter(f"not a pattern of repositories such as org/*: {odd[0]!r}")
    return values


@main.command()
@_CONFIG
@click.option(
    "--repo",
    "repos",
    multiple=True,
    callback=_patterns,
    metavar="PATTERN",
    help="Repositories, such as org/*; repeatable.",
)
@click.option("--pull", "number", type=click.IntRange(min=1), metavar="N", help="Number of the pull request.")
@click.option("--who", default="", metavar="LOGIN", help="Login that acted, or that a webhook named.")
@click.option("--since", callback=_moment, metavar="7d|DATE", help="Not earlier than this.")
@click.option("--until", callback=_moment, metavar="7d|DATE", help="Earlier than this.")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def audit(config: Path | None, *, as_json: bool, **wanted: Any) -> None:
    """List who did what, when, and why it was refused.

    Oldest first. The bot may run meanwhile. Times are UTC. Exits with 0 even if nothing matches.
    """
    settings = _settings(config)
    try:
        asyncio.run(_audit(settings, AuditFilter(**wanted), as_json=as_json))
    except (OSError, ChatOpsError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error


async def _audit(settings: Settings, wanted: AuditFilter, *, as_json: bool) -> None:
    if not as_json:
        click.echo(showing.header())
    async with aclosing(audit_records(settings, wanted)) as records:
        async for record in records:
            click.echo(json.dumps(showing.fields(record)) if as_json else showing.line(record))


async def _examine(options: DoctorOptions, language: Language) -> int:
    all_found: list[Finding] = []
    async for name, findings in examine(options):
        _print(name, findings, language)
        all_found += findings
    click.echo(summary(all_found, language))
    return 0 if passed(all_found) else 1


def _print(name: str, findings: Sequence[Finding], language: Language) -> None:
    for line in lines(name, findings, language):
        click.echo(line)


def _settings(config: Path | None) -> Settings:
    try:
        return load(_found(config), os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _found(config: Path | None) -> Path | None:
    return config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)


async def _serve(settings: Settings, masker: Masker) -> None:
    shutdown = Shutdown(settings.server.grace)
    shutdown.listen()
    async with open_adapters(settings, masker) as adapters:
        await _run(settings, adapters, shutdown)


async def _run(settings: Settings, adapters: Adapters, shutdown: Shutdown) -> None:
    async with running(settings, adapters) as bot:
        public = bot.deps.addresses.public_url
        reached = "" if public == bot.listeners.web.url else f", reached as {public}"
        click.echo(f"chatops listens on {bot.listeners.web.url}{reached}", err=True)
        await shutdown.wait()


if __name__ == "__main__":
    main()
