"""`chatops playground`: its output and its lifetime."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import httpx

from bot.model.errors import ChatOpsError
from playground.demo_repository import open_first_pull, open_second_pull
from playground.launch import REQUEST_SECONDS, Playground, Ports, playground
from playground.story import StoryContext, StoryError, play

WIDTH = 78


@dataclass(frozen=True, slots=True)
class PlaygroundOptions:
    """Options of the command line."""

    demo_pr: bool
    registry: str
    data_dir: Path | None
    gitee_port: int | None = None
    bot_port: int | None = None
    preview_port: int | None = None
    jenkins: bool = False
    jenkins_port: int | None = None

    @property
    def ports(self) -> Ports:
        """The given ports, or the usual ones; `--demo-pr` uses free ports instead of the usual ones."""
        usual = Ports(0, 0, 0, 0) if self.demo_pr else Ports()
        return Ports(
            _either(self.gitee_port, usual.gitee),
            _either(self.bot_port, usual.bot),
            _either(self.preview_port, usual.previews),
            _either(self.jenkins_port, usual.jenkins) if self.jenkins else 0,
        )


def _either(given: int | None, usual: int) -> int:
    return usual if given is None else given


async def play_until_interrupted(options: PlaygroundOptions) -> int:
    """Run the playground until Ctrl-C or the end of the demo story, and return the exit code."""
    folder = options.data_dir or Path(tempfile.mkdtemp(prefix="chatops-playground-"))
    try:
        async with playground(
            folder, options.ports, options.registry, with_jenkins=options.jenkins
        ) as running:
            if options.demo_pr:
                return await _story(running, options.registry)
            first = await open_first_pull(running.gitee, running.demo)
            second = await open_second_pull(running.gitee, running.demo)
            _print_addresses(running, first, second)
            await _interrupted(running)
            return 0
    except (OSError, RuntimeError, ChatOpsError) as error:
        click.echo(f"playground: {error}", err=True)
        return 1
    finally:
        if options.data_dir is None:
            shutil.rmtree(folder, ignore_errors=True)


def _print_addresses(running: Playground, first: int, second: int) -> None:
    click.echo()
    click.echo(f"  Pull request    {running.gitee.url}/{running.demo.full_name}/pulls/{first}")
    click.echo(f"  Three services  {running.gitee.url}/{running.demo.shop}/pulls/{second}")
    click.echo(f"  Offline Gitee   {running.gitee.url}/")
    click.echo(f"  The bot         {running.bot_url}/")
    click.echo(f"  Previews        http://pr-N-….{running.previews}/")
    if running.jenkins is not None:
        click.echo(f"  Offline Jenkins {running.jenkins.url}/")
    click.echo()
    click.echo(
        "  Watch the bot respond there, comment /help, push the ready-made fix. Ctrl-C stops everything."
    )


async def _interrupted(running: Playground) -> None:
    """Wait for Ctrl-C. Raises RuntimeError if the bot exits before."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    waiting = {asyncio.create_task(stop.wait()), asyncio.create_task(running.bot.wait())}
    _, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    if not stop.is_set():
        raise RuntimeError(f"the bot exited with status {running.bot.returncode}")


async def _story(running: Playground, registry: str) -> int:
    async with _story_context(running, registry) as context:
        try:
            await play(context)
        except (StoryError, httpx.HTTPError) as error:
            click.echo(f"✗ {error}", err=True)
            return 1
        finally:
            _print_comments(running, context.number)
        click.echo("✓ everything happened as expected")
        return 0


@asynccontextmanager
async def _story_context(running: Playground, registry: str) -> AsyncIterator[StoryContext]:
    port = running.previews.rpartition(":")[2]
    async with (
        httpx.AsyncClient(base_url=running.bot_url, timeout=REQUEST_SECONDS) as bot,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=REQUEST_SECONDS) as previews,
        httpx.AsyncClient(base_url=registry, timeout=REQUEST_SECONDS) as images,
    ):
        yield StoryContext(
            gitee=running.gitee,
            demo=running.demo,
            bot=bot,
            previews=previews,
            domain=running.previews,
            registry=images,
            report=lambda text: click.echo(f"▸ {text}"),
            jenkins=running.jenkins.url if running.jenkins is not None else "",
        )


def _print_comments(running: Playground, number: int) -> None:
    """Print the final text of every comment."""
    if not number:
        return
    for comment in running.gitee.comments(running.demo.full_name, number):
        edits = len(comment.history) - 1
        click.echo(
            f"\n── {comment.author.login}{f', edited {edits} times' if edits else ''} ".ljust(WIDTH, "─")
        )
        click.echo(comment.body)
    click.echo("─" * WIDTH)
