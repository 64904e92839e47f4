"""gRPC calls on one connection, made by a client of h2."""

import struct
from collections.abc import Iterator

import pytest
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, TrailersReceived, WindowUpdated
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st

from bot.runners.docker.grpc_server import (
    CONCURRENT,
    LONGEST_REQUEST,
    CallRefused,
    GrpcServer,
    GrpcStatus,
)


def answer(method: str, request: bytes) -> bytes:
    """Repeat a request, or refuse it."""
    if method == "/refused":
        raise CallRefused(GrpcStatus.NOT_FOUND, "not here")
    return request * 10_000 if method == "/long" else request


class Client:
    """The other side of a connection."""

    def __init__(self) -> None:
        self.server = GrpcServer(answer)
        self.h2 = H2Connection()
        self.h2.initiate_connection()
        self.events: list[Event] = []
        self.feed(self.server.receive(b""))

    def feed(self, data: bytes) -> None:
        self.events += self.h2.receive_data(data)

    def flush(self) -> None:
        self.feed(self.server.receive(self.h2.data_to_send()))

    def call(self, method: str, body: bytes, *, end: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, head(method))
        while len(body) > self.h2.max_outbound_frame_size:
            self.h2.send_data(stream, body[: self.h2.max_outbound_frame_size])
            body = body[self.h2.max_outbound_frame_size :]
            self.flush()
        self.h2.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def of(self, stream: int) -> Iterator[Event]:
        return (event for event in self.events if getattr(event, "stream_id", None) == stream)

    def data(self, stream: int) -> bytes:
        return b"".join(event.data for event in self.of(stream) if isinstance(event, DataReceived))

    def status(self, stream: int) -> tuple[str, str] | None:
        """Return the status and message with which a call has ended."""
        for event in self.of(stream):
            if isinstance(event, TrailersReceived):
                found = dict(event.headers)
                return found[b"grpc-status"].decode(), found[b"grpc-message"].decode()
        return None


def head(path: str) -> list[tuple[str, str]]:
    return [(":method", "POST"), (":scheme", "http"), (":authority", "here"), (":path", path)]


def framed(message: bytes, *, compressed: bool = False) -> bytes:
    return struct.pack(">?I", compressed, len(message)) + message


@pytest.fixture
def client() -> Client:
    return Client()


def test_a_call_is_answered(client: Client) -> None:
    stream = client.call("/repeat", framed(b"hello"))
    headers = next(event for event in client.of(stream) if isinstance(event, ResponseReceived))
    assert dict(headers.headers) == {b":status": b"200", b"content-type": b"application/grpc"}
    assert client.data(stream) == framed(b"hello")
    assert client.status(stream) == ("0", "")


def test_a_call_is_refused_with_its_status(client: Client) -> None:
    stream = client.call("/refused", framed(b""))
    assert client.data(stream) == b""
    assert client.status(stream) == ("5", "not here")


@pytest.mark.attack
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", GrpcStatus.INVALID_ARGUMENT),
        (b"\0\0\0", GrpcStatus.INVALID_ARGUMENT),
        (framed(b"x", compressed=True), GrpcStatus.UNIMPLEMENTED),
        (framed(b"x") + framed(b"y"), GrpcStatus.UNIMPLEMENTED),
        (b"\0\xff\xff\xff\xff", GrpcStatus.UNIMPLEMENTED),
        (framed(b"x" * (LONGEST_REQUEST + 1)), GrpcStatus.RESOURCE_EXHAUSTED),
        (framed(b"x" * (LONGEST_REQUEST * 20)), GrpcStatus.RESOURCE_EXHAUSTED),
    ],
    ids=["nothing", "cut", "compressed", "two messages", "a false length", "too long", "much too long"],
)
def test_a_request_that_is_not_one_message_is_refused(
    client: Client, body: bytes, status: GrpcStatus
) -> None:
    found = client.status(client.call("/repeat", body))
    assert found is not None
    assert found[0] == str(status.value)
    assert client.status(client.call("/repeat", framed(b"next"))) == ("0", "")


def test_the_longest_request_is_answered(client: Client) -> None:
    message = b"x" * LONGEST_REQUEST
    assert client.data(client.call("/repeat", framed(message))) == framed(message)


def test_a_response_waits_for_the_window(client: Client) -> None:
    stream = client.call("/long", framed(b"0123456789"))
    assert 0 < len(client.data(stream)) < 100_000
    assert client.status(stream) is None
    client.h2.increment_flow_control_window(1 << 20)
    client.h2.increment_flow_control_window(1 << 20, stream)
    client.flush()
    assert client.data(stream) == framed(b"0123456789" * 10_000)
    assert client.status(stream) == ("0", "")


def test_calls_go_on_beside_each_other(client: Client) -> None:
    first = client.call("/repeat", framed(b"first")[:7], end=False)
    second = client.call("/repeat", framed(b"second"))
    assert client.status(first) is None
    assert client.status(second) == ("0", "")
    client.h2.send_data(first, framed(b"first")[7:], end_stream=True)
    client.flush()
    assert client.data(first) == framed(b"first")


def test_a_call_that_is_withdrawn_does_not_end_the_connection(client: Client) -> None:
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, head("/repeat"))
    client.h2.send_data(stream, framed(b"x"), end_stream=True)
    client.h2.reset_stream(stream)
    client.flush()
    assert not client.server.ended
    assert client.status(client.call("/repeat", framed(b"next"))) == ("0", "")


def test_only_a_few_calls_are_open_at_a_time(client: Client) -> None:
    assert client.h2.remote_settings[SettingCodes.MAX_CONCURRENT_STREAMS] == CONCURRENT


@pytest.mark.attack
def test_thousands_of_calls_leave_nothing_behind(client: Client) -> None:
    for _ in range(2000):
        stream = client.call("/repeat", framed(b"again"))
        client.h2.acknowledge_received_data(len(framed(b"again")), stream)
        client.events.clear()
    assert not client.server.ended
    assert client.server._calls == {}


@pytest.mark.attack
@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100], ids=["HTTP/1.1", "noise"])
def test_another_protocol_ends_the_connection(data: bytes) -> None:
    server = GrpcServer(answer)
    server.receive(data)
    assert server.ended


@pytest.mark.attack
@given(st.lists(st.binary(max_size=60), max_size=8), st.booleans())
def test_whatever_comes_it_does_not_fail(chunks: list[bytes], greeted: bool) -> None:  # noqa: FBT001 - drawn
    server, other = GrpcServer(answer), H2Connection()
    other.initiate_connection()
    server.receive(other.data_to_send() if greeted else b"")
    for chunk in chunks:
        server.receive(chunk)


@pytest.mark.attack
@given(st.data())
def test_frames_of_any_kind_do_not_make_it_fail(data: st.DataObject) -> None:
    client = Client()
    for _ in range(data.draw(st.integers(1, 6))):
        kind, flags = data.draw(st.integers(0, 10)), data.draw(st.integers(0, 255))
        stream, body = data.draw(st.integers(0, 5)), data.draw(st.binary(max_size=40))
        frame = struct.pack(">I", len(body))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + body
        client.server.receive(frame)


def test_window_updates_for_ended_calls_are_harmless(client: Client) -> None:
    stream = client.call("/repeat", framed(b"x"))
    client.h2.increment_flow_control_window(10)
    client.flush()
    assert client.status(stream) == ("0", "")
    assert not any(isinstance(event, WindowUpdated) and event.delta <= 0 for event in client.events)
