"""What a build's session answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.secrets import SecretValue
from bot.runners.docker.build_session import CHECK, SECRETS, SessionAnswers
from bot.runners.docker.grpc_server import CallRefused, GrpcStatus
from bot.runners.docker.protobuf import decode, encode

VALUE = b"of\nthe \xff mirror"
CREDENTIALS = "/moby.filesync.v1.Auth/Credentials"


@pytest.fixture
def answers() -> SessionAnswers:
    return SessionAnswers([SecretValue("token", VALUE), SecretValue("empty", b"")])


def asked(answers: SessionAnswers, name: bytes, method: str = SECRETS) -> GrpcStatus:
    """Return the status of a call that is refused."""
    with pytest.raises(CallRefused) as caught:
        answers(method, encode({1: name}))
    assert str(caught.value).isascii()
    return caught.value.status


def test_a_secret_is_answered_with_its_value(answers: SessionAnswers) -> None:
    assert decode(answers(SECRETS, encode({1: b"token", 2: b"annotations"}))).bytes(1) == VALUE
    assert decode(answers(SECRETS, encode({1: b"empty"}))).bytes(1) == b""
    assert answers.missing == set()


def test_the_engine_sees_that_the_session_is_served(answers: SessionAnswers) -> None:
    assert decode(answers(CHECK, b"")).numbers == {1: 1}


ODD = {
    "another": b"other",
    "nothing": b"",
    "capitals": b"TOKEN",
    "a part": b"toke",
    "more": b"token2",
    "a path": b"../token",
    "an absolute path": b"/run/secrets/token",
    "slashes": b"a/b/token",
    "a newline": b"token\n",
    "NUL": b"token\0",
    "two lines": b"other\ntoken",
    "no UTF-8": b"token\xff",
    "a pattern": b"*",
    "a long name": b"token" * 3000,
}


@pytest.mark.attack
@pytest.mark.parametrize("name", ODD.values(), ids=ODD)
def test_another_id_is_not_found(answers: SessionAnswers, name: bytes) -> None:
    assert asked(answers, name) is GrpcStatus.NOT_FOUND
    (shown,) = answers.missing
    assert shown.isprintable()
    assert len(shown) <= 100


@pytest.mark.attack
def test_thousands_of_ids_take_no_memory(answers: SessionAnswers) -> None:
    for number in range(5000):
        asked(answers, str(number).encode())
    assert len(answers.missing) == 20


@pytest.mark.attack
@pytest.mark.parametrize(
    "method", [CREDENTIALS, "/moby.filesync.v1.FileSync/DiffCopy", "", "/", SECRETS.lower(), f"{SECRETS}/"]
)
def test_nothing_else_is_answered(answers: SessionAnswers, method: str) -> None:
    """The accounts of the bot are entrusted by image, and BuildKit asks for them by host."""
    assert asked(answers, b"token", method) is GrpcStatus.UNIMPLEMENTED


@pytest.mark.attack
@pytest.mark.parametrize("request_", [b"\x08", b"\x0a\x7ftoken", b"\xff" * 20])
def test_what_is_no_message_is_refused(answers: SessionAnswers, request_: bytes) -> None:
    with pytest.raises(CallRefused) as caught:
        answers(SECRETS, request_)
    assert caught.value.status is GrpcStatus.INVALID_ARGUMENT


@pytest.mark.attack
@given(st.binary(max_size=300) | st.text(max_size=30).map(lambda name: encode({1: name.encode()})))
def test_only_its_id_gives_a_value(request_: bytes) -> None:
    answers = SessionAnswers([SecretValue("token", VALUE)])
    try:
        given_ = answers(SECRETS, request_)
    except CallRefused:
        return
    assert VALUE in given_
    assert decode(request_).bytes(1) == b"token"
