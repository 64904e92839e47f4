"""A fake API server whose objects change after scripted answers, and never by time."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.pure.manifests import EVENT, ObjectKind
from tests.runners.test_kubernetes_cluster import serving

Object = dict[str, Any]
NAMESPACE = "pr-12-shop"
ENOUGH = 500
"""Number of answers after which a test fails, because it waits in vain."""


@dataclass
class Script:
    """Objects of the server, and the changes after each answer."""

    objects: dict[str, Object] = field(default_factory=dict)
    """Objects by path."""
    logs: dict[str, bytes] = field(default_factory=dict)
    """Output of containers, by name."""
    after: dict[int, Callable[[], None]] = field(default_factory=dict)
    """Changes by the number of preceding answers."""
    created: Callable[[Object], None] = lambda _: None
    """What controllers do with a new object."""
    asked: list[str] = field(default_factory=list)
    """Verb and kind of each request."""

    def put(self, kind: ObjectKind, name: str, body: Object, **metadata: Any) -> Object:
        """Create or replace an object."""
        known = {"name": name, "uid": f"uid-of-{name}", **metadata}
        found = {"kind": kind.name, "spec": {}, **body, "metadata": known}
        self.objects[kind.path(NAMESPACE, name)] = found
        return found

    def remove(self, kind: ObjectKind, name: str) -> None:
        """Delete an object and its pods."""
        self._delete(kind.path(NAMESPACE, name))

    def begin(self, changes: dict[int, Callable[[], None]]) -> None:
        """Restart the count of answers."""
        self.asked.clear()
        self.after = changes

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer from the current objects, then apply the scripted changes."""
        if len(self.asked) == ENOUGH:
            return web.json_response({"message": "nothing more happens here"}, status=500)
        done = await self._answer(request)
        number = len(self.asked)
        self.asked.append(f"{request.method} {_kind(request.path)}")
        if change := self.after.pop(number, None):
            change()
        return done

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/log"):
            return self._log(request)
        if request.method == "POST":
            return self._create(request.path, await request.json())
        if request.method == "DELETE":
            return self._delete_if(request.path, await request.json())
        if found := self.objects.get(request.path):
            return web.json_response(found)
        if request.path.rpartition("/")[0].endswith(NAMESPACE):
            items = [each for path, each in self.objects.items() if path.startswith(f"{request.path}/")]
            return web.json_response({"items": [each for each in items if carries(each, request)]})
        return web.json_response({"message": "not found"}, status=404)

    def _create(self, path: str, body: Object) -> web.Response:
        body["metadata"] |= {"uid": f"uid-of-{body['metadata']['name']}"}
        self.objects[f"{path}/{body['metadata']['name']}"] = body
        self.created(body)
        return web.json_response(body, status=201)

    def _delete_if(self, path: str, options: Object) -> web.Response:
        found = self.objects.get(path)
        expected = options.get("preconditions", {})
        if found and any(found["metadata"].get(name) != value for name, value in expected.items()):
            return web.json_response({"message": "the precondition does not hold"}, status=409)
        return web.json_response(self._delete(path))

    def _delete(self, path: str) -> Object:
        """Delete an object and its pods, as the garbage collector does."""
        gone = self.objects.pop(path, {"metadata": {"uid": ""}})
        for name, each in list(self.objects.items()):
            if gone["metadata"]["uid"] in {one["uid"] for one in each["metadata"].get("ownerReferences", [])}:
                del self.objects[name]
        return gone

    def _log(self, request: web.Request) -> web.Response:
        if request.path.removesuffix("/log") not in self.objects:
            return web.json_response({"message": "pod not found"}, status=404)
        return web.Response(body=self.logs.get(request.query["container"], b""))


@asynccontextmanager
async def scripted(tmp_path: Path) -> AsyncIterator[tuple[Script, Cluster]]:
    """Yield a script and a cluster that follows it."""
    script = Script()
    async with serving(script.answer, tmp_path) as cluster:
        yield script, cluster


def owned(owner: Object) -> list[Object]:
    """Return the owner reference of a controller."""
    return [{"uid": owner["metadata"]["uid"], "controller": True}]


def said(  # noqa: PLR0917 - the fields of an event
    script: Script, name: str, reason: str, message: str, kind: str = "Pod", uid: str = ""
) -> None:
    """Create an event about an object, later than all earlier ones."""
    number = len(script.objects)
    body = {
        "reason": reason,
        "message": message,
        "involvedObject": {"kind": kind, "name": name, "uid": uid or f"uid-of-{name}"},
        "lastTimestamp": f"2026-05-01T12:{number // 60:02}:{number % 60:02}Z",
    }
    script.put(EVENT, f"{name}.{number}", body)


def without_pauses(patch: pytest.MonkeyPatch) -> None:
    """Remove the runner's pauses between requests."""
    for pause in (
        "polling.INTERVAL",
        "job_run.INTERVAL",
        "rollout_watcher.INTERVAL",
        "setup_run.SETTLED",
        "suite_logs.REOPEN_PAUSE",
    ):
        patch.setattr(f"bot.runners.kubernetes.{pause}", 0)


def _kind(path: str) -> str:
    """Return the kind of a path: `jobs` for a list and for one job, `log` for the output of a pod."""
    parts = path.split("/")
    return parts[-1] if parts[-1] == "log" else parts[parts.index(NAMESPACE) + 1]


def carries(found: Object, request: web.Request) -> bool:
    """Return whether an object has the labels that a request asks for."""
    wanted = [pair.partition("=") for pair in request.query.get("labelSelector", "").split(",") if pair]
    labels = found["metadata"].get("labels", {})
    return all(labels.get(key) == value for key, _, value in wanted)
