"""Reads values that Compose allows in several forms: commands, pairs, ports and volumes."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bot.pipeline.compose.model import Healthcheck, Mount, Pairs, Port, Words

_RANGE = re.compile(r"([0-9]{1,5})(?:-[0-9]{1,5})?", re.ASCII)
_WINDOWS = re.compile(r"[A-Za-z]:(?:\\|/.*:/)")
_URL = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::([0-9]{1,5}))?(/[^\s'\"|;&)]*)?", re.ASCII
)

PORTS: Mapping[str, int] = {
    **dict.fromkeys(("postgres", "postgresql", "postgis", "pgvector", "timescaledb"), 5432),
    **dict.fromkeys(("mysql", "mariadb", "percona", "mysql-server"), 3306),
    **dict.fromkeys(("redis", "valkey", "redis-stack"), 6379),
    "mongo": 27017,
    "rabbitmq": 5672,
    "elasticsearch": 9200,
    "opensearch": 9200,
    "memcached": 11211,
    "nats": 4222,
    "minio": 9000,
    "kafka": 9092,
    "zookeeper": 2181,
    "nacos-server": 8848,
    "etcd": 2379,
    "clickhouse-server": 8123,
}
"""Ports of images that Compose files often name without one."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Where a container has which folder; `source` is None for one without a name."""

    source: str | None
    target: str
    kind: str


def words(value: Words) -> list[str]:
    """Return the words of a command. Raises ValueError for quotes that are never closed."""
    return shlex.split(value) if isinstance(value, str) else list(value or ())


def pairs(value: Pairs) -> Iterator[tuple[str | int, str, str | None]]:
    """Yield key or index, name and value of each pair; None if there is no value."""
    if isinstance(value, Mapping):
        yield from ((name, name, text) for name, text in value.items())
        return
    for index, text in enumerate(value or ()):
        name, given, rest = text.partition("=")
        yield index, name, rest if given else None


def port(value: str | Port) -> int | None:
    """Return the port of a container that is published by TCP; None for UDP. Raises ValueError."""
    text, protocol = (value.target, value.protocol) if isinstance(value, Port) else _short_port(value)
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]) if protocol.lower() == "tcp" else None


def all_ports(found: Iterable[str | Port]) -> list[int]:
    """Return the ports that are published by TCP, without what is no port."""
    ports = list[int]()
    for one in found:
        with suppress(ValueError):
            ports += filter(None, [port(one)])
    return ports


def _short_port(value: str) -> tuple[str, str]:
    rest, _, protocol = value.partition("/")
    return rest.rpartition(":")[2], protocol or "tcp"


def volume(value: str | Mount) -> Volume:
    """Return a volume. Raises ValueError for what is none."""
    if isinstance(value, Mount):
        return Volume(value.source, value.target, value.type)
    drive, rest = (value[:2], value[2:]) if _WINDOWS.match(value) else ("", value)
    parts = rest.split(":")
    match parts:
        case [target] if not drive:
            return Volume(None, target, "")
        case [source, target] | [source, target, _]:
            return Volume(drive + source, target, "")
        case _:
            raise ValueError(value)


def health_command(check: Healthcheck) -> list[str]:
    """Return the command of a health check; empty if there is none."""
    match [] if check.disable else [check.test] if isinstance(check.test, str) else list(check.test or ()):
        case [] | ["NONE", *_]:
            return []
        case ["CMD", *command]:
            return command
        case ["CMD-SHELL", *command]:
            return ["/bin/sh", "-c", " ".join(command)]
        case command:
            return ["/bin/sh", "-c", " ".join(command)]


def asked_url(command: list[str]) -> tuple[int, str] | None:
    """Return port and path of the URL of its own that a health check asks for; None if there is none.

    >>> asked_url(["curl", "-f", "http://localhost:8000/healthz"])
    (8000, '/healthz')
    """
    found = _URL.search(" ".join(command))
    return (int(found[1] or 80), found[2] or "/") if found else None


def usual_port(image: str) -> int | None:
    """Return the port of a well-known image.

    >>> usual_port("docker.io/library/postgres:16-alpine")
    5432
    """
    return PORTS.get(image.rpartition("/")[2].partition("@")[0].partition(":")[0])


def label(name: str) -> str:
    """Return a hostname for a service; Compose allows characters that hostnames do not have.

    >>> label("My_DB")
    'my-db'
    """
    return re.sub(r"[._]+", "-", name.lower()).strip("-")
