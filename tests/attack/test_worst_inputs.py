"""The largest input of every kind, read by the real adapters: none of them holds the event loop."""

import asyncio
import gc
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.app.clock import SystemClock
from bot.core.language.commandline import MAX_BODY
from bot.core.results import job_results
from bot.core.results.masking import Masker
from bot.discovery import find_commands
from bot.engine.deciding import comment_lines
from bot.engine.deciding.cache import BriefCache
from bot.engine.deciding.commit_files import CommitFiles
from bot.engine.deciding.config_reader import ConfigReader
from bot.gitee.client import GiteeClient
from bot.gitee.transport import Transport
from bot.model.errors import ChatOpsError, TellUser, TooExpensive
from bot.model.forge import Comment, RepoPath
from bot.model.limits import SandboxLimits
from bot.model.pipeline import BuildConfig
from bot.model.report import Report
from bot.pipeline import config_file
from bot.reports.files import RunFiles
from bot.reports.folder import FolderFileStore
from bot.runners.docker.context import filtered
from bot.runners.jenkins.client import JenkinsClient, JenkinsOptions
from bot.runners.jenkins.results import Results
from bot.runners.kubernetes import plans, rendering
from bot.runners.kubernetes.pure.manifests import LARGEST as LARGEST_MANIFEST
from bot.runners.lines import Lines, LogWriter
from bot.sandbox.process import ProcessSandbox
from bot.steps import build, job, suite_reports
from tests.fakes.adapters import FakeWorld
from tests.fakes.log import FakeLog
from tests.real.parts import tar

LONGEST = 0.1
"""Processor time of the loop's thread between two turns, in seconds; however loaded the machine is."""
TURN = 0.005
FILE = 15_900_000
PIECE = 1 << 16
SHORT_LINE = 100
SOME = 2_000_000
"""Bytes that are enough where the time is proportional to them."""
COMMANDS = find_commands()
SECRETS = ("s3cret-of-the-bot", "sssssssss-another")


@asynccontextmanager
async def turning() -> AsyncIterator[None]:
    """Assert that the loop goes on turning in the meantime."""
    worst = 0.0

    async def turn() -> None:
        nonlocal worst
        while True:
            begin = time.thread_time()
            await asyncio.sleep(TURN)
            worst = max(worst, time.thread_time() - begin)

    gc.freeze()  # what the other tests have left in memory is not the bot's to look through
    measuring_coverage = sys.gettrace()
    sys.settrace(None)  # it multiplies the processor time
    task = asyncio.create_task(turn())
    await asyncio.sleep(0)
    yield
    await asyncio.sleep(2 * TURN)
    task.cancel()
    sys.settrace(measuring_coverage)
    gc.unfreeze()
    assert worst < LONGEST, f"the event loop was busy for {worst:.3f} s"


def sandbox() -> ProcessSandbox:
    return ProcessSandbox()


class FewSeconds(ProcessSandbox):
    """A sandbox whose processes get one second."""

    async def call(self, limits: SandboxLimits, *args: Any, **kwargs: Any) -> Any:
        return await super().call(replace(limits, seconds=1), *args, **kwargs)


def repeated(part: str, begin: str = "", end: str = "", size: int = FILE) -> str:
    return begin + part * ((size - len(begin) - len(end)) // len(part)) + end


def context(world: FakeWorld | None = None) -> Any:
    """Return what the steps use of their context."""

    class Context:
        adapters = replace((world or FakeWorld()).adapters(), sandbox=sandbox())
        run: Any = type("Run", (), {"repo": RepoPath("team", "shop"), "clone_url": "", "number": 1})
        log = adapters.reports.log(1, "test")

    return Context()


XML = {
    "cases": "<testcase name='a'/>",
    "failed cases": "<testcase><failure>x</failure></testcase>",
    "elements": "<a/>",
    "references": "&#65;",
    "attributes": "<testcase " + " ".join(f"a{number}=''" for number in range(500)) + "/>",
    "suites": "<testsuite name='a'></testsuite>",
    "totals": "<testsuite tests='1'/>",
}
DOTNET = {
    "test-run": "<test-case name='a' result='Failed'><failure><message>x</message></failure></test-case>",
    "assemblies": "<test name='a' result='Fail'><failure><message>x</message></failure></test>",
    "TestRun": (
        "<UnitTestResult testId='1' outcome='Passed'/><UnitTest id='1'><TestMethod className='T'/></UnitTest>"
    ),
}


@pytest.mark.parametrize(("root", "part"), DOTNET.items(), ids=DOTNET)
async def test_reports_of_dotnet(root: str, part: str) -> None:
    files = {"a.xml": repeated(part, f"<{root}>", f"</{root}>", SOME).encode()}
    async with turning():
        found = await suite_reports.read(files, context(), "/reports", passed=True)
    assert 0 < len(found.cases) <= 21_000


@pytest.mark.parametrize("part", XML.values(), ids=XML)
async def test_junit_reports(part: str) -> None:
    files = dict.fromkeys(["a.xml"], repeated(part, "<testsuite>", "</testsuite>", SOME).encode())
    if part == XML["cases"]:
        files = dict.fromkeys(
            ["a.xml", "b.xml", "c.xml"], repeated(part, "<testsuite>", "</testsuite>").encode()
        )
    async with turning():
        found = await suite_reports.read(files, context(), "/reports", passed=True)
    assert len(found.cases) <= 21_000


@pytest.mark.parametrize("text", ["s", "s3cret-of-the-bo", SECRETS[0]])
async def test_masks_over_reports(tmp_path: Path, text: str) -> None:
    files = RunFiles(FolderFileStore(tmp_path), sandbox(), Masker(SECRETS))
    content = repeated(text, "<p>", size=FILE if text == "s" else SOME).encode()
    async with turning():
        await files.save(1, "unit", Report(()), {f"{name}.xml": content for name in "abcd"})
    assert SECRETS[0].encode() not in (tmp_path / "runs/1/suites/unit/xml/001-a.xml").read_bytes()


async def test_thousands_of_pages(tmp_path: Path) -> None:
    files = RunFiles(FolderFileStore(tmp_path), sandbox(), Masker(SECRETS))
    pages = {f"{'x' * 200}/{number}.html": b"<p>a page</p>" for number in range(20_000)}
    async with turning():
        await files.save(1, "unit", Report(()), pages)
    assert await files.has_report(1)


LAUGHS = "\n".join(
    ["a0: &a0 [x,x,x,x,x,x,x,x,x]", *(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
)
YAML = [
    LAUGHS,
    "[",
    "{",
    "- ",
    "a: b\n",
    "? ",
    "&a ",
    "*a ",
    '"',
    "a:\n ",
    "- &a a\n",
    "- *a\n",
    "[],",
    "a\n",
    "%",
]


@pytest.mark.parametrize("part", YAML, ids=lambda part: part[:8])
async def test_configurations(part: str) -> None:
    class Gitee:
        async def file(self, *_: object) -> bytes:
            return repeated(part, size=config_file.MAX_BYTES).encode()

    forge: Any = Gitee()
    files = CommitFiles(forge, BriefCache(SystemClock()), BriefCache(SystemClock()))
    caches: tuple[Any, ...] = (*(BriefCache(SystemClock()) for _ in range(3)), files)
    config = ConfigReader(forge, sandbox(), COMMANDS, *caches)
    pull: Any = type("Pull", (), {"repo": "", "head": type("Head", (), {"repo": "", "ref": "r", "sha": ""})})
    async with turning():
        assert await config.proposed(pull) is not None


MARKDOWN = "[ ] ![ [a]( [a][ * _ ` ~ < <!-- & \\ > - # | !"


@pytest.mark.parametrize("part", [*MARKDOWN.split(), "x[\n", "* a\n", "|-\n|-\n", "/help\n"])
async def test_comments(part: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for size in (comment_lines.LIMITS.inline, MAX_BODY):
        body = repeated(part, "/help\n", size=size)
        async with turning():
            await comment_lines.read(sandbox(), Comment(1, body, "lin", now, now), COMMANDS)


DOCKERFILES = ["\n", "FROM a\n", "RUN <<E\n", "ENV a=b\n", "ARG v\n", "a\\\n", "EXPOSE 1\n", "<<a ", "#"]


@pytest.mark.parametrize("part", DOCKERFILES)
async def test_dockerfiles(part: str) -> None:
    begin = "FROM a AS b\nENV " + " ".join(f"v{number}=x" for number in range(200)) + "\nRUN "
    for size in (build.DOCKERFILE_LIMITS.inline, 1 << 20):
        world = FakeWorld(dockerfile=repeated(part, begin, size=size))
        async with turning():
            await build.read_dockerfile(BuildConfig(), "a" * 40, context(world))


LINES = [b"\n", b"a\n", b"\t\n", b"x" * 200 + b"\n", b"\r", b"\x1b[", b"\x1b[1m\n", b"\xff", b"s", b"\x1b]0;"]


@pytest.mark.parametrize("part", LINES)
async def test_output(tmp_path: Path, part: bytes) -> None:
    log = RunFiles(FolderFileStore(tmp_path), sandbox(), Masker(SECRETS)).log(1, "test")
    writer, lines = LogWriter(log), Lines()
    chunk = (part * (1 << 16))[: 1 << 16]
    async with turning():
        for _ in range((200 << 20 if len(part) > SHORT_LINE else 4 << 20) >> 16):
            writer.lines(lines.feed(chunk))
            await asyncio.sleep(0)


async def test_ignored_files(tmp_path: Path) -> None:
    (tmp_path / "context.tar").write_bytes(tar({".dockerignore": "*a" * 40 + "b", "a" * 90: ""}))
    async with turning():
        with pytest.raises(TooExpensive, match=r"\.dockerignore"):
            async with filtered(tmp_path / "context.tar", "Dockerfile", FewSeconds()):
                pass


async def test_manifests() -> None:
    templates = {"a.yaml": "{% for _ in range(99999) %}- {% endfor %}", "b.yaml": "{{ '[' * 50000 }}"}
    async with turning():
        texts = await rendering.of_repository(sandbox(), templates, {}, "deploy")
        for name, text in texts.items():
            assert len(text) < LARGEST_MANIFEST
            with pytest.raises(TellUser):
                await sandbox().call(plans.MANIFEST_LIMITS, name, plans.parsed, name, text)


MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{number}: &a{number} {{<<: [{', '.join([f'*a{number - 1}'] * 10)}]}}\n" for number in range(1, 12)
)
"""700 bytes that mean 10^11 values."""


@pytest.mark.parametrize("text", [MERGES, "[" * 8000, "{" * 8000], ids=["merges", "lists", "mappings"])
async def test_small_manifests(text: str) -> None:
    async with turning():
        with pytest.raises((TellUser, TooExpensive)):
            await FewSeconds().call(plans.MANIFEST_LIMITS, "a.yaml", plans.parsed, "a.yaml", text)


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body as it arrives from a connection."""
    for begin in range(0, len(body), PIECE):
        yield body[begin : begin + PIECE]


@pytest.mark.parametrize("character", ["构", "\N{ROCKET}", "\x01"], ids=["Chinese", "emoji", "control"])
async def test_pages_of_comments(character: str) -> None:
    now = "2026-01-01T00:00:00+08:00"
    one = {"body": character * 65_535, "user": {"login": "lin"}, "created_at": now, "updated_at": now}
    body = json.dumps([{**one, "id": 1000 - number} for number in range(100)]).encode()
    http = httpx.AsyncClient(
        transport=httpx.MockTransport(
            lambda _: httpx.Response(200, content=in_pieces(body), headers={"total_page": "1"})
        )
    )
    client = GiteeClient(Transport("http://gitee.example.com/api/v5", "", sandbox(), http=http))
    async with turning():
        found = await client.comments_since(RepoPath("team", "shop"), 1, datetime(2025, 1, 1, tzinfo=UTC))
    assert [comment.body for comment in found] == [one["body"]] * 100
    await client.aclose()


class Jenkins:
    """Answers every request with the same body."""

    def __init__(self, body: bytes) -> None:
        self._http = httpx.AsyncClient(
            transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body))
        )

    @asynccontextmanager
    async def results(self) -> AsyncIterator[Results]:
        client = JenkinsClient(JenkinsOptions("http://jenkins.example.com"), http=self._http)
        yield Results(client, "team/e2e", 1, FakeLog(), sandbox())
        await client.close()


@pytest.mark.parametrize(
    "case", ['{"name":"a"}', '{"name":"a","status":"FAILED"}', "{}", '{"name":"\\n"}', "[["]
)
async def test_results_in_jenkins(case: str) -> None:
    body = repeated(f"{case},", '{"suites":[{"cases":[', "0]}]}", 8 << 20).encode()
    async with Jenkins(body).results() as results, turning():
        try:
            found = await results.report()
        except ChatOpsError:
            return
    assert found is not None
    assert len(found.cases) <= 21_000


async def test_files_in_jenkins() -> None:
    body = repeated('{"relativePath":"a/a/a/a/a/a.xml"},', '{"artifacts":[', "0]}", 3 << 20).encode()
    async with Jenkins(body).results() as results, turning():
        assert await results.files(["**/b", "**/*a*a*a*b.xml"]) == {}


async def test_results_that_a_job_reports() -> None:
    files = {f"{number}/chatops.env": b"A=b\n" * 300_000 for number in range(4)}
    async with turning():
        found = await sandbox().call(job.RESULT_LIMITS, "team/e2e", job_results.read, files)
    assert found == job_results.ReportedResult()
