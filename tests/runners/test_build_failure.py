import pytest

from bot.model.errors import ChatOpsError, RetryLater, TellUser
from bot.model.reason import Reason
from bot.runners.build_failure import BuildFailure, classify, push_failed, refused

RUN = "RUN make"


def facts(error: ChatOpsError) -> tuple[type[ChatOpsError], Reason, str]:
    return type(error), error.reason, " ".join(error.facts.values()).strip()


@pytest.mark.parametrize(
    ("failure", "kind", "reason", "fact"),
    [
        (
            BuildFailure("executor failed running [make]: exit code: 2", RUN),
            TellUser,
            Reason.BUILD_FAILED,
            "RUN make 2",
        ),
        (
            BuildFailure('process "/bin/sh -c make" did not complete successfully: exit code: 1', RUN),
            TellUser,
            Reason.BUILD_FAILED,
            "RUN make 1",
        ),
        # An instruction's own network error is a failure of the build.
        (
            BuildFailure("dial tcp: i/o timeout: exit code: 7", RUN),
            TellUser,
            Reason.BUILD_FAILED,
            "RUN make 7",
        ),
        (
            BuildFailure("secret to/token not found: not found", RUN),
            TellUser,
            Reason.SECRET_NOT_LISTED,
            "sub/Dockerfile to/token secrets: [to/token]",
        ),
        (
            BuildFailure("failed to solve: secret a\nb: not found", RUN),
            TellUser,
            Reason.SECRET_NOT_LISTED,
            "sub/Dockerfile a b secrets: [a b]",
        ),
        (
            BuildFailure("failed to solve: target stage x could not be found"),
            TellUser,
            Reason.TARGET_UNKNOWN,
            "x",
        ),
        (
            BuildFailure("failed to reach build target x y in Dockerfile"),
            TellUser,
            Reason.TARGET_UNKNOWN,
            "x y",
        ),
        (
            BuildFailure("failed to solve: dockerfile parse error on line 2: unknown instruction: FOO"),
            TellUser,
            Reason.DOCKERFILE_INVALID,
            "dockerfile parse error on line 2: unknown instruction: FOO",
        ),
        (
            BuildFailure(
                "failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory"
            ),
            TellUser,
            Reason.NO_DOCKERFILE,
            "sub/Dockerfile",
        ),
        (
            BuildFailure("a:1: not found", "FROM a:1", image="a:1"),
            TellUser,
            Reason.BASE_IMAGE_MISSING,
            "a:1",
        ),
        (
            BuildFailure("pull access denied, repository does not exist", "FROM a:1", image="a:1"),
            TellUser,
            Reason.BASE_IMAGE_MISSING,
            "a:1",
        ),
        (
            BuildFailure("failed to do request: dial tcp: lookup r: no such host", "FROM r/a", image="r/a"),
            TellUser,
            Reason.IMAGE_HOST_UNKNOWN,
            "r/a r",
        ),
        (
            BuildFailure("dial tcp: lookup r.x on [::1]:53: no such host", "FROM r.x/a", image="r.x/a"),
            TellUser,
            Reason.IMAGE_HOST_UNKNOWN,
            "r.x/a r.x",
        ),
        (
            BuildFailure("dial tcp: lookup r on 127.0.0.53:53: server misbehaving", "FROM r/a", image="r/a"),
            RetryLater,
            Reason.REGISTRY_UNAVAILABLE,
            "dial tcp: lookup r on 127.0.0.53:53: server misbehaving",
        ),
        (
            BuildFailure("toomanyrequests: You have reached your pull rate limit", "FROM a:1", image="a:1"),
            RetryLater,
            Reason.REGISTRY_UNAVAILABLE,
            "toomanyrequests: You have reached your pull rate limit",
        ),
        (
            BuildFailure("write /var/lib/x: no space left on device", "COPY . ."),
            RetryLater,
            Reason.ENGINE_UNAVAILABLE,
            "write /var/lib/x: no space left on device",
        ),
        (
            BuildFailure("failed to export image", "exporting to image"),
            RetryLater,
            Reason.ENGINE_UNAVAILABLE,
            "failed to export image",
        ),
    ],
)
def test_errors_are_classified(
    failure: BuildFailure, kind: type[ChatOpsError], reason: Reason, fact: str
) -> None:
    assert facts(classify(failure, path="sub/Dockerfile")) == (kind, reason, fact)


def test_the_log_of_a_failed_run_instruction_is_its_output() -> None:
    error = classify(BuildFailure("exit code: 2", RUN, ("one", "two")))

    assert error.log == "one\ntwo"


def test_the_log_of_another_failed_instruction_is_the_engines_message() -> None:
    error = classify(BuildFailure('failed to solve: "/x" not found', "COPY x /", ()))

    assert error.log == '"/x" not found'


def test_long_instructions_and_messages_are_cut() -> None:
    assert len(classify(BuildFailure("exit code: 1", "RUN " + "x" * 9_999)).facts["instruction"]) == 300
    assert len(classify(BuildFailure("parse error " + "x" * 9_999)).facts["message"]) == 300


def test_an_error_in_the_dockerfile_is_reported_to_the_user() -> None:
    client = refused("the Dockerfile (Dockerfile) cannot be empty", 400, "Dockerfile")
    odd = refused("something about arguments", 400, "Dockerfile")
    server = refused("Cannot locate specified Dockerfile: Dockerfile", 500, "Dockerfile")

    assert client is not None
    assert client.reason is Reason.DOCKERFILE_INVALID
    assert odd is not None
    assert odd.reason is Reason.DOCKERFILE_INVALID
    assert server is not None
    assert server.reason is Reason.NO_DOCKERFILE
    assert refused("driver failed", 500, "Dockerfile") is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("denied: requested access to the resource is denied", Reason.REGISTRY_DENIED),
        ("unauthorized: authentication required", Reason.REGISTRY_DENIED),
        ("no basic auth credentials", Reason.REGISTRY_DENIED),
        ("unexpected status from PUT request to https://h/v2/a/b: 401", Reason.REGISTRY_DENIED),
        ("received unexpected HTTP status: 503 Service Unavailable", Reason.REGISTRY_UNAVAILABLE),
        ("dial tcp 127.0.0.1:1: connect: connection refused", Reason.REGISTRY_UNAVAILABLE),
        ("An image does not exist locally with the tag: a/b", Reason.ENGINE_UNAVAILABLE),
        (
            "push access denied, repository does not exist or may require authorization: insufficient_scope",
            Reason.REGISTRY_DENIED,
        ),
    ],
)
def test_push_errors_are_classified(message: str, reason: Reason) -> None:
    assert push_failed("a/b", message).reason is reason
