"""Answers gRPC calls on one connection: bytes in, bytes out. Pure.

HTTP/2 is h2's work; gRPC adds five bytes before a message, and a status after it:
https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

Answer = Callable[[str, bytes], bytes]
"""Returns the response for a method's path and its request. Raises CallRefused."""

LONGEST_REQUEST = 1 << 14
"""Bytes of a request; the engine's have an id or the name of a host."""
CONCURRENT = 16
"""Calls at a time: so many requests and responses are in memory at most."""
_PREFIX = struct.Struct(">?I")
"""Whether a message is compressed, and its length."""


class GrpcStatus(IntEnum):
    """https://grpc.io/docs/guides/status-codes/."""

    OK = 0
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12


class CallRefused(Exception):  # noqa: N818 - an answer, not a fault
    """The status of a call that gets no response, with words of printable ASCII."""

    def __init__(self, status: GrpcStatus, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


@dataclass(slots=True)
class _Call:
    """A call; `status` is None until its request is complete."""

    method: str
    request: bytearray = field(default_factory=bytearray)
    status: GrpcStatus | None = None
    message: str = ""
    response: bytes = b""
    """What the other side's window has not let through yet."""
    begun: bool = False


class GrpcServer:
    """The server's side of a connection on which the other side makes unary calls."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._calls: dict[int, _Call] = {}
        self._connection = H2Connection(H2Configuration(client_side=False))
        self._connection.initiate_connection()
        self._connection.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: CONCURRENT})
        self.ended = False
        """Whether the connection is to be closed, because the other side does not keep to HTTP/2."""

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the connection, and return those to send; without any, those that begin it."""
        try:
            for event in self._connection.receive_data(data) if data else ():
                self._take(event)
            for stream, call in tuple(self._calls.items()):
                if call.status is not None:
                    self._send(stream, call, call.status)
        except ProtocolError:
            self.ended = True
        return self._connection.data_to_send()

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived():
                path = dict(event.headers).get(b":path", b"")
                self._calls[event.stream_id] = _Call(path.decode("ascii", "replace"))
            case DataReceived():
                self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                call = self._calls[event.stream_id]
                # What is too long is dropped as it comes, and refused at its end.
                if len(call.request) <= _PREFIX.size + LONGEST_REQUEST:
                    call.request += event.data
            case StreamEnded():
                self._respond(self._calls[event.stream_id])
            case StreamReset():
                self._calls.pop(event.stream_id, None)

    def _respond(self, call: _Call) -> None:
        try:
            response = self._answer(call.method, _message(call.request))
        except CallRefused as refused:
            call.status, call.message = refused.status, refused.message
        else:
            call.status, call.response = GrpcStatus.OK, _PREFIX.pack(False, len(response)) + response  # noqa: FBT003 - not compressed
        call.request.clear()

    def _send(self, stream: int, call: _Call, status: GrpcStatus) -> None:
        """Send as much of a response as the other side takes now."""
        if not call.begun:
            call.begun = True
            self._connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        while call.response:
            window = self._connection.local_flow_control_window(stream)
            size = min(window, self._connection.max_outbound_frame_size)
            if size <= 0:
                return
            self._connection.send_data(stream, call.response[:size])
            call.response = call.response[size:]
        trailers = [("grpc-status", str(status.value)), ("grpc-message", call.message)]
        self._connection.send_headers(stream, trailers, end_stream=True)
        del self._calls[stream]


def _message(request: bytearray) -> bytes:
    """Return the one message of a request. Raises CallRefused."""
    if len(request) > _PREFIX.size + LONGEST_REQUEST:
        raise CallRefused(GrpcStatus.RESOURCE_EXHAUSTED, "the request is too long")
    if len(request) < _PREFIX.size:
        raise CallRefused(GrpcStatus.INVALID_ARGUMENT, "the request has no message")
    compressed, length = _PREFIX.unpack_from(request)
    if compressed or length != len(request) - _PREFIX.size:
        raise CallRefused(GrpcStatus.UNIMPLEMENTED, "one message without compression is expected")
    return bytes(request[_PREFIX.size :])
