"""Speaks to Redis: one connection, one command at a time."""

import socket
import threading


class Redis:
    def __init__(self, host, port=6379):
        self._stream = socket.create_connection((host, port)).makefile("rwb")
        self._lock = threading.Lock()

    def __call__(self, *words):
        """Send a command, and return the answer."""
        parts = [str(word).encode() for word in words]
        with self._lock:
            self._stream.write(b"*%d\r\n" % len(parts))
            for part in parts:
                self._stream.write(b"$%d\r\n%s\r\n" % (len(part), part))
            self._stream.flush()
            return self._answer()

    def _answer(self):
        line = self._stream.readline().decode().rstrip()
        kind, rest = line[:1], line[1:]
        if kind == "$":
            return None if rest == "-1" else self._stream.read(int(rest) + 2)[:-2].decode()
        if kind == "*":
            return [self._answer() for _ in range(int(rest))]
        if kind == ":":
            return int(rest)
        if kind == "+":
            return rest
        raise RuntimeError(rest or "Redis closed the connection")
