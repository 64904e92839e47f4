"""Parses Jenkins' JSON into values. It differs by version and plugin, so no field is assumed to exist."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bot.core.paths import covers
from bot.runners.jenkins.errors import unavailable

KEY = "CHATOPS_RUN"
"""The parameter that identifies a build."""

BUILD_TREE = "number,building,result,timestamp,duration"
PARAMETERS_TREE = "actions[parameters[name,value]]"
ITEM_TREE = "id,why,cancelled,executable[number]"
QUEUE_TREE = f"items[id,{PARAMETERS_TREE}]"
JOB_TREE = (
    "buildable,property[parameterDefinitions[name]],actions[parameterDefinitions[name]],"
    f"builds[number,queueId,{PARAMETERS_TREE}]{{0,100}}"
)
ARTIFACTS_TREE = "artifacts[relativePath]"

LONGEST_REASON, LONGEST_RESULT = 500, 40
_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(0x7F, 0xA0)) if code not in {9, 10}}


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A queue item: waiting, turned into a build, or cancelled."""

    id: int
    why: str = ""
    cancelled: bool = False
    build: int | None = None


@dataclass(frozen=True, slots=True)
class JenkinsBuild:
    """A build; `started` is in seconds by Jenkins' clock."""

    number: int
    building: bool
    result: str
    started: float

    @property
    def over(self) -> bool:
        """Whether it has its final result."""
        return not self.building and self.result != ""


@dataclass(frozen=True, slots=True)
class JenkinsJob:
    """A job: its declared parameters, and its newest builds by key."""

    buildable: bool
    parameters: frozenset[str]
    builds: Mapping[str, int]
    queued: Mapping[int, int]
    """Numbers of builds by the queue items that they were."""


def decoded(body: bytes, path: str) -> Any:
    """Decode JSON. Raises RetryLater(JENKINS_UNAVAILABLE) if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unavailable(f"GET {path}/api/json: the answer is not JSON") from error


def clean(text: object, limit: int) -> str:
    """Return a text that can be stored and shown: cut, without control characters and lone surrogates."""
    shown = str(text or "")[:limit].translate(_CONTROLS)
    return shown.encode("utf-8", "replace").decode()


def item(data: Mapping[str, Any]) -> QueueItem:
    """Parse a queue item."""
    executable = data.get("executable")
    number = executable.get("number") if isinstance(executable, dict) else None
    return QueueItem(
        _number(data.get("id")),
        clean(data.get("why"), LONGEST_REASON),
        data.get("cancelled") is True,
        _number(number) if number is not None else None,
    )


def build(data: Mapping[str, Any]) -> JenkinsBuild:
    """Parse a build."""
    return JenkinsBuild(
        _number(data.get("number")),
        data.get("building") is True,
        clean(data.get("result"), LONGEST_RESULT),
        _number(data.get("timestamp")) / 1000,
    )


def job(data: Mapping[str, Any]) -> JenkinsJob:
    """Parse a job."""
    builds = list(dicts(data.get("builds")))
    return JenkinsJob(
        data.get("buildable") is not False,
        frozenset(_declared(data)),
        # Newest first: of two builds with the same key, the older one stays.
        {key: _number(one.get("number")) for one in builds if (key := key_of(one))},
        {_number(one.get("queueId")): _number(one.get("number")) for one in builds},
    )


def queued(data: Mapping[str, Any], key: str) -> int | None:
    """Return the id of the item in the queue that carries this key."""
    return next((_number(one.get("id")) for one in dicts(data.get("items")) if key_of(one) == key), None)


def key_of(data: Mapping[str, Any]) -> str:
    """Return the key in the parameters of a build or queue item; empty if there is none."""
    for action in dicts(data.get("actions")):
        for parameter in dicts(action.get("parameters")):
            if parameter.get("name") == KEY:
                return str(parameter.get("value") or "")
    return ""


def artifacts(body: bytes, path: str, patterns: Iterable[str], most: int) -> tuple[str, ...]:
    """Return the paths of the first archived files that match a pattern."""
    data = decoded(body, path)
    listed = data.get("artifacts") if isinstance(data, dict) else None
    found = (str(one.get("relativePath") or "") for one in dicts(listed))
    chosen = tuple(patterns)
    return tuple(islice((file for file in found if any(covers(one, file) for one in chosen)), most))


def _declared(data: Mapping[str, Any]) -> Iterator[str]:
    # A pipeline lists its parameters in a property, a freestyle job in an action too.
    for owner in (*dicts(data.get("property")), *dicts(data.get("actions"))):
        for parameter in dicts(owner.get("parameterDefinitions")):
            yield str(parameter.get("name") or "")


def dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects in an unchecked list; none if it is no list."""
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
