"""The fuzzing targets: each reads bytes from outside, and must keep what it promises for every input.

A target returns for any bytes, and asserts that the result is bounded. It lets through only bugs: the errors
that the reader documents are caught here.
"""

import base64
import contextlib
import io
import json
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.core.admission import builds
from bot.core.admission.images import ImagePolicy
from bot.core.deciding import dockerfile
from bot.core.language.parsing import MAX_COMMANDS, parse
from bot.core.results import job_results, report_files
from bot.core.results.cases import MOST_CASES, MOST_FAILURES_BEYOND
from bot.core.results.masking import Masker
from bot.core.results.unreadable import UnreadableFileError
from bot.discovery import find_commands
from bot.gitee import wire
from bot.model.errors import RetryLater, TellUser
from bot.model.views import ConfigBroken
from bot.pipeline import config_file, problems
from bot.pipeline.compose.project import FilesNeeded
from bot.runners import collect
from bot.runners.buildkit.progress import ClientOutput
from bot.runners.docker.build_messages import BuildMessages
from bot.runners.docker.context import write_filtered
from bot.runners.jenkins import test_report
from bot.runners.kubernetes.pure import chart_schema
from bot.runners.kubernetes.pure.field_rules import ManifestScope
from bot.runners.kubernetes.pure.manifest_policy import review
from bot.runners.kubernetes.pure.manifests import MOST_OBJECTS, ManifestError, read

TESTS = Path(__file__).parents[1]
CORPUS = TESTS / "fuzz/corpus"

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMANDS = find_commands()
NAMES = frozenset(name for command in COMMANDS for name in command.names)
SCOPE = ManifestScope("pr-12-shop", "pr-12-shop.example.com", frozenset({"chatops-pull"}))
HEADERS = {"X-Gitee-Event": ""}
BUILDS = builds.BuildPolicy(images=ImagePolicy("registry.example.com", "previews"))
SECRET = "s3cret-value/1+2"
MASKER = Masker([SECRET])
SLACK = 4_000
"""Bytes by which a small input's result may be longer than twice the input."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of hostile bytes. `samples` are files of other tests that are good beginnings."""

    run: Callable[[bytes], object]
    samples: str = ""

    def seeds(self, name: str) -> list[Path]:
        """Return the files of its corpus, and its samples."""
        return sorted([*(CORPUS / name).glob("*"), *(TESTS.glob(self.samples) if self.samples else ())])


def webhook(data: bytes) -> None:
    """`bot.gitee.wire`: a delivery, a reason to ignore it, or MalformedDeliveryError."""
    with contextlib.suppress(wire.MalformedDeliveryError):
        found = wire.read(HEADERS, data, NOW)
        assert len(repr(found)) <= 2 * len(data) + SLACK


def comment(data: bytes) -> None:
    """`bot.core.language`: at most ten lines, each a part of the comment."""
    found = parse(data.decode(errors="replace"), COMMANDS)
    assert len(found) <= MAX_COMMANDS


def pipeline(data: bytes) -> None:
    """`bot.pipeline`: a pipeline, or problems with a short excerpt."""
    found = config_file.read(data, file=".chatops.yml", ref="main", known_commands=NAMES)
    if isinstance(found, ConfigBroken):
        assert 0 < len(found.problems) <= problems.MOST
        assert len(found.excerpt) < 10_000


def compose(data: bytes) -> None:
    """`bot.pipeline.compose`: a bounded pipeline, or problems with a short excerpt, after few files."""
    env, separator, text = data.partition(b"\n---\n")
    own, files = b"deploy: {compose: compose.yaml}\n", dict[str, bytes | None]()
    commit = {"compose.yaml": text if separator else data, ".env": env if separator else None}
    rounds = 0
    while isinstance(
        found := config_file.read(own, file="f", ref="r", known_commands=NAMES, files=files), FilesNeeded
    ):
        rounds += 1
        assert rounds <= 3
        files |= {path: commit.get(path) for path in found.paths}
    assert len(repr(found)) < 2_000_000
    if isinstance(found, ConfigBroken):
        assert 0 < len(found.problems) <= problems.MOST
        assert len(found.excerpt) < 10_000


def suite_report(data: bytes) -> None:
    """`bot.core.results.report_files`: bounded cases, and a word about each file that has none."""
    for reruns in (False, True):
        found = report_files.read({"a.xml": data}, reruns=reruns)
        assert len(found.cases) <= MOST_CASES + MOST_FAILURES_BEYOND
        assert found.recognized or found.unreadable or found.foreign
        assert all(case.suite and case.name for case in found.cases)


def report_archive(data: bytes) -> None:
    """`bot.runners.collect`: the files that can be read, with names that stay inside the folder."""
    found = collect.report_files(io.BytesIO(data))
    assert sum(map(len, found.values())) <= len(data)
    assert not any(name.startswith("/") or ".." in name.split("/") for name in found)


def build_context(data: bytes) -> None:
    """`bot.runners.docker.context`: a tar without unsafe names, filtered by the `.dockerignore` in it."""
    if data.count(b"*") > 6:  # more may match forever, which a process with limited time is for
        return
    with tempfile.TemporaryDirectory() as folder:
        source, copy = Path(folder) / "a.tar", Path(folder) / "b.tar"
        source.write_bytes(data)
        try:
            write_filtered(source, copy, "Dockerfile")
        except (tarfile.TarError, EOFError, TellUser, ValueError, OverflowError):
            return
        with tarfile.open(copy) as tar:
            names = tar.getnames()
    assert not any(name.startswith("/") or ".." in name.split("/") for name in names)


def buildkit_log(data: bytes) -> None:
    """`bot.runners.buildkit.progress`: lines of a log, then an error to report."""
    output = ClientOutput()
    lines = [line for raw in data.split(b"\n") for line in output.feed(raw)]
    assert sum(map(len, lines)) <= 4 * len(data) + SLACK
    output.failure(tag="registry.example.com/a/b:c", path="Dockerfile")


def engine_messages(data: bytes) -> None:
    """`bot.runners.docker.build_messages`: protobuf of the engine, as lines of a log."""
    messages = BuildMessages()
    trace = base64.b64encode(data).decode()
    lines = messages.feed({"id": "moby.buildkit.trace", "aux": trace})
    lines += messages.feed({"error": data.decode(errors="replace")})
    assert sum(map(len, lines)) <= 4 * len(data) + SLACK


def dockerfile_reader(data: bytes) -> None:
    """`bot.core.deciding.dockerfile`: stages with valid ports, whatever the text is."""
    found = dockerfile.read(data.decode(errors="replace"))
    assert all(stage.port is None or 0 < stage.port < 1 << 16 for stage in found.stages)
    found.stage(found.default_target)


def build_sources(data: bytes) -> None:
    """`bot.core.admission.builds`: what is fetched is allowed or refused with its line, never a crash."""
    text = data.decode(errors="replace")
    with contextlib.suppress(TellUser):
        builds.check(BUILDS, "Dockerfile", text, {"V": "1"}, "registry.example.com/team/shop")


def manifests(data: bytes) -> None:
    """`bot.runners.kubernetes.pure`: bounded objects in JSON that comply once reviewed, or ManifestError."""
    with contextlib.suppress(ManifestError):
        found = read(data.decode(errors="replace"))
        assert len(found) <= MOST_OBJECTS
        checked = review(found, SCOPE)
        again = review(checked.manifests, SCOPE)
        assert checked.violations or not again.changes, "the policy changes what it has changed"
        json.dumps([manifest.body for manifest in checked.manifests], allow_nan=False)


def schema(data: bytes) -> None:
    """`bot.runners.kubernetes.pure.chart_schema`: a reference, None, or ValueError."""
    with contextlib.suppress(ValueError):
        chart_schema.foreign_reference(data.decode())


def jenkins_report(data: bytes) -> None:
    """`bot.runners.jenkins.test_report`: bounded cases, None, or RetryLater for what is not JSON."""
    with contextlib.suppress(RetryLater):
        found = test_report.decode(data, "job/a/1/testReport")
        assert found is None or len(found.cases) <= MOST_CASES + MOST_FAILURES_BEYOND


def job_result(data: bytes) -> None:
    """`bot.core.results.job_results`: an image with a digest and a web address, or UnreadableFileError."""
    with contextlib.suppress(UnreadableFileError):
        found = job_results.read({"chatops.env": data, "image.txt": data})
        assert bool(found.image) <= bool(found.digest)
        assert found.url == "" or found.url.startswith(("http://", "https://"))


def masking(data: bytes) -> None:
    """`bot.core.results.masking`: the secret never comes out, wherever the text is cut into chunks."""
    text = data.decode(errors="replace").replace("@", SECRET)
    assert SECRET not in MASKER.mask(text)
    settled = MASKER.settled(text)
    assert SECRET not in MASKER.mask(text[:settled]) + MASKER.mask(text[settled:])


TARGETS: Mapping[str, Target] = {
    "webhook": Target(webhook, "samples/gitee/payloads/go-scm__note*.json"),
    "comment": Target(comment),
    "pipeline": Target(pipeline),
    "compose": Target(compose),
    "junit": Target(suite_report, "core/reports/*"),
    "report-archive": Target(report_archive),
    "build-context": Target(build_context),
    "buildkit-log": Target(buildkit_log, "runners/streams/fail.buildkit.jsonl"),
    "engine-messages": Target(engine_messages),
    "dockerfile": Target(dockerfile_reader),
    "build-sources": Target(build_sources),
    "manifests": Target(manifests, "runners/kubernetes_pure/ordinary/*.yaml"),
    "chart-schema": Target(schema),
    "jenkins-report": Target(jenkins_report, "samples/jenkins/api4jenkins__test_report.json"),
    "job-result": Target(job_result),
    "masking": Target(masking),
}
