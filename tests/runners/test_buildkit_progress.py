"""What buildctl reports while it builds: the log, the errors, and what triggers of base images fetch."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.admission.builds import BuildPolicy
from bot.core.admission.images import ImagePolicy
from bot.model.errors import ChatOpsError, GiveUp, RetryLater, TellUser
from bot.model.reason import Reason
from bot.runners.build_isolation import refuse_unlisted
from bot.runners.buildkit.progress import ClientOutput
from tests.real.parts import order


def vertex(number: int, name: str, error: str = "") -> str:
    """Return a finished step as `--progress rawjson` prints it."""
    found = {
        "digest": f"sha256:{number}",
        "inputs": ["sha256:0"],
        "name": name,
        "started": "2026-11-28T10:00:00.000000001Z",
        "completed": "2026-11-28T10:00:01.2Z",
    }
    return json.dumps({"vertexes": [{**found, "error": error} if error else found]})


def written(number: int, text: str) -> str:
    """Return the output of a step as `--progress rawjson` prints it."""
    log = {"vertex": f"sha256:{number}", "stream": 2, "data": base64.b64encode(text.encode()).decode()}
    return json.dumps({"logs": [{**log, "timestamp": "2026-11-28T10:00:01Z"}]})


def failure(*lines: str) -> tuple[ChatOpsError, list[str]]:
    output = ClientOutput()
    shown = [line for given in lines for line in output.feed(given.encode())]
    return output.failure(tag="h/p/x:pr-1-a", path="Dockerfile"), shown


@pytest.mark.attack
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("[internal] load metadata for h:5/previews/team/victim:pr-1-a", Reason.IMAGE_REFUSED),
        ("[linux/amd64 internal] load metadata for localhost:5000/a/b:1", Reason.IMAGE_REFUSED),
        ("FROM h:5/previews/team/victim:pr-1-a", Reason.IMAGE_REFUSED),
        ("[linux/amd64 stage-1 1/2] FROM localhost:5000/a/b:1@sha256:00", Reason.IMAGE_REFUSED),
        ("http://127.0.0.1:5000/v2/_catalog", Reason.SOURCE_REFUSED),
        ("http://127.0.0.1:5000/v2/ _catalog", Reason.SOURCE_REFUSED),
        ("[a 2/2] ADD --chmod=755 HTTP://127.0.0.1:5000/v2/_catalog /x", Reason.SOURCE_REFUSED),
        ("[2/2] ADD [a, http://127.0.0.1:5000/v2/ _catalog, /x]", Reason.SOURCE_REFUSED),
        ("ADD git@10.0.0.1:a/b.git /x", Reason.SOURCE_REFUSED),
        (f"ADD {'a ' * 1500} http://127.0.0.1:5000/v2/_catalog /x", Reason.SOURCE_REFUSED),
        (f"ADD {'a ' * 2500} http://127.0.0.1:5000/v2/_catalog /x", Reason.SOURCE_UNKNOWN),
    ],
)
def test_what_the_triggers_of_a_base_image_fetch_is_refused(
    tmp_path: Path, name: str, reason: Reason
) -> None:
    policy = BuildPolicy(images=ImagePolicy("h:5", "previews"))
    wanted = replace(order(tmp_path, "h:5/previews/team/shop:pr-1-a", {}), policy=policy)
    output = ClientOutput()
    for own in ("docker.io/library/python:3", "h:5/previews/team/shop:pr-2-b", "evil.example.net/base:1"):
        output.feed(vertex(1, f"[internal] load metadata for {own}").encode())
    output.feed(vertex(2, "[2/2] RUN echo [internal] load metadata for h:5/secret/app:1").encode())
    output.feed(vertex(4, "[2/2] ADD target/*.jar app-$1.jar 文件.jar /http://x").encode())
    output.feed(vertex(5, "[2/2] COPY http://x /").encode())
    output.feed(vertex(6, f"[2/2] ADD {'a ' * 2500} /").encode())
    refuse_unlisted(output.fetched, wanted)
    output.feed(vertex(3, name).encode())
    with pytest.raises(TellUser) as caught:
        refuse_unlisted(output.fetched, wanted)
    assert (caught.value.reason, caught.value.facts["where"]) == (reason, "ONBUILD")


def test_statuses_become_a_log_and_the_failed_step_is_found() -> None:
    run = "[runtime 2/2] RUN echo one && make"
    message = 'process "/bin/sh -c echo one && make" did not complete successfully: exit code: 2'
    error, shown = failure(
        vertex(1, "[internal] load build definition from Dockerfile"),
        json.dumps({"statuses": [{"id": "transferring", "vertex": "sha256:1", "current": 94}]}),
        vertex(2, "[runtime 1/2] FROM docker.io/library/alpine:3.20@sha256:0a4eaa0eecf5"),
        json.dumps({"vertexes": [{"digest": "sha256:3", "name": run, "started": "2026-11-28T10:00:00Z"}]}),
        written(3, "one\nmake: *** No targets"),
        written(3, " specified.\n"),
        vertex(3, run, message),
        "------",
        "Dockerfile:2",
        "{not JSON}",
        json.dumps({"vertexes": [{"name": "no digest"}], "logs": 7}),
        f"error: failed to solve: {message}",
    )

    assert (error.reason, error.facts) == (
        Reason.BUILD_FAILED,
        {"instruction": "RUN echo one && make", "code": "2"},
    )
    assert error.log.splitlines() == ["one", "make: *** No targets specified."]
    assert shown == [
        "#1 [runtime 1/2] FROM docker.io/library/alpine:3.20@sha256:0a4eaa0eecf5",
        "#1 DONE 1.2s",
        f"#2 {run}",
        "#2 one",
        "#2 make: *** No targets specified.",
        f"#2 ERROR: {message}",
        "Dockerfile:2",
        "{not JSON}",
        f"error: failed to solve: {message}",
    ]


@pytest.mark.parametrize(
    ("lines", "kind", "reason"),
    [
        (
            [
                vertex(2, "[internal] load metadata for h/none:1", "h/none:1: not found"),
                "error: failed to solve: h/none:1: failed to resolve source metadata for h/none:1: not found",
            ],
            TellUser,
            Reason.BASE_IMAGE_MISSING,
        ),
        (
            [
                vertex(2, "[internal] load metadata for h/base:1", "dial tcp 10.0.0.1:443: i/o timeout"),
                'error: failed to solve: h/base:1: failed to do request: Head "https://h/v2/": i/o timeout',
            ],
            RetryLater,
            Reason.REGISTRY_UNAVAILABLE,
        ),
        (
            [
                vertex(7, "exporting to image", "failed to push h/p/x:pr-1-a: 403 Forbidden"),
                "error: failed to solve: failed to push h/p/x:pr-1-a: 403 Forbidden",
            ],
            GiveUp,
            Reason.REGISTRY_DENIED,
        ),
        (
            [
                vertex(7, "exporting to image", "failed to push h/p/x:pr-1-a: connection reset"),
                "error: failed to solve: failed to push h/p/x:pr-1-a: connection reset by peer",
            ],
            RetryLater,
            Reason.REGISTRY_UNAVAILABLE,
        ),
        (
            ["error: failed to solve: dockerfile parse error on line 3: unknown instruction: RUNN"],
            TellUser,
            Reason.DOCKERFILE_INVALID,
        ),
        (
            ['error: failed to solve: target stage "tset" could not be found'],
            TellUser,
            Reason.TARGET_UNKNOWN,
        ),
        (
            ["error: failed to solve: rpc error: code = Unavailable desc = error reading from server: EOF"],
            RetryLater,
            Reason.BUILDKIT_UNAVAILABLE,
        ),
        ([], TellUser, Reason.DOCKERFILE_INVALID),
    ],
)
def test_each_error_is_classified(lines: list[str], kind: type[ChatOpsError], reason: Reason) -> None:
    error, _ = failure(*lines)

    assert isinstance(error, kind)
    assert error.reason is reason
