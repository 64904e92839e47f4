"""`chatops`: the doors for people at a terminal. Parses, starts, prints; everything else lives below."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import click

from bot.app.adapters import open_adapters
from bot.app.bot import running
from bot.app.gc import clear
from bot.app.shutdown import Shutdown
from bot.dns.corefile import dynamic, wildcard
from bot.doctor.examination import examine, lines, passed, summary
from bot.doctor.findings import Examined, Finding
from bot.doctor.settings import broken
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
    """Return an option of the playground that says where something listens."""
    return click.option(*names, type=int, show_default=f"{usual}; a free one with --demo-pr", help=what)


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
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def serve(config: Path | None, log_level: str) -> None:
    """Run the bot. Every setting can also be given as CHATOPS_SECTION__KEY in the environment."""
    logging.basicConfig(
        level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for chatty in ("httpx", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = _settings(config)
    try:
        asyncio.run(_serve(settings))
    except (OSError, ChatOpsError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option(
    "--demo-pr",
    is_flag=True,
    help="Play the whole story of one pull request, print its comments, exit 0 or 1.",
)
@click.option(
    "--jenkins", is_flag=True, help="Let an offline Jenkins build and test, as the demo's configuration asks."
)
@_port("--jenkins-port", usual=8004, what="Port of the offline Jenkins.")
@_port("--port", "gitee_port", usual=8002, what="Port of the offline Gitee.")
@_port("--bot-port", usual=8001, what="Port of the bot.")
@_port("--preview-port", usual=8003, what="Port of the previews.")
@click.option("--registry", default="http://127.0.0.1:5000", show_default=True, help="Registry to push to.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep everything there instead of in a temporary folder.",
)
def playground(**options: Any) -> None:
    """Start an offline Gitee in the browser, with the bot beside it."""
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
    help="Language of the answer.  [default: that of the comments]",
)
@click.option(
    "--repo", "repos", multiple=True, metavar="OWNER/REPO", help="Repository to look at; repeatable."
)
def doctor(config: Path | None, language: str | None, repos: tuple[str, ...]) -> None:
    """Look at every part that the bot needs: what is wrong, and what to do. Exits 1 if anything is."""
    try:
        named = tuple(RepoPath.parse(repo) for repo in repos)
        settings = load(_found(config), os.environ)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    except SettingsError as error:
        _tell("settings", [broken(error)], Language(language or Language.ZH))
        sys.exit(1)
    chosen = Language(language or settings.comments.language)
    sys.exit(asyncio.run(_examine(Examined(settings, named), chosen)))


@main.group("dns")
def names() -> None:
    """Help with the names of previews."""


@names.command()
@_CONFIG
@click.option("--zone", help="Zone to serve.  [default: [preview] domain]")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    help="Where the names lead; repeatable.  [default: [dns] address]",
)
def coredns(config: Path | None, zone: str | None, addresses: tuple[str, ...]) -> None:
    """Print the Corefile of the previews' zone: a wildcard, or names from [dns] etcd where that is set."""
    settings = _settings(config)
    chosen = (zone or settings.preview.domain).strip(".")
    try:
        if settings.dns.etcd and not addresses:
            text = dynamic(chosen, settings.dns.etcd, settings.dns.etcd_path)
        else:
            text = wildcard(chosen, addresses or tuple(filter(None, [settings.dns.address])))
    except ValueError as error:
        raise click.ClickException(f"{error}; give --address or [dns] address") from error
    click.echo(text, nl=False)


@main.command()
@_CONFIG
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
def gc(config: Path | None, *, dry_run: bool) -> None:
    """Remove what nobody owns any more: containers, networks, namespaces, images, registry tags.

    A running bot does this by itself again and again, and may go on meanwhile. Exits 1 if something could
    not be looked at.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    settings = _settings(config)
    try:
        complete = asyncio.run(clear(settings, click.echo, dry_run=dry_run))
    except (OSError, ChatOpsError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if complete else 1)


async def _examine(examined: Examined, language: Language) -> int:
    all_found: list[Finding] = []
    async for name, findings in examine(examined):
        _tell(name, findings, language)
        all_found += findings
    click.echo(summary(all_found, language))
    return 0 if passed(all_found) else 1


def _tell(name: str, findings: Sequence[Finding], language: Language) -> None:
    for line in lines(name, findings, language):
        click.echo(line)


def _settings(config: Path | None) -> Settings:
    try:
        return load(_found(config), os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _found(config: Path | None) -> Path | None:
    return config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)


async def _serve(settings: Settings) -> None:
    shutdown = Shutdown(settings.server.grace)
    shutdown.listen()
    async with open_adapters(settings) as adapters, running(settings, adapters) as bot:
        public = bot.deps.addresses.public_url
        reached = "" if public == bot.listeners.web.url else f", reached as {public}"
        click.echo(f"chatops listens on {bot.listeners.web.url}{reached}", err=True)
        await shutdown.wait()


if __name__ == "__main__":
    main()
