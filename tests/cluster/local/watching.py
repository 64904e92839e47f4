"""Keeps objects of the cluster current by a list followed by a watch."""

import asyncio
import base64
import contextlib
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

Object = dict[str, Any]
LONGEST_LINE = 1 << 22
PAUSE = 0.2
"""Seconds before a failed list or an ended watch is repeated."""


@dataclass(slots=True)
class Watched:
    """All objects of one kind; `changed` is set on every change."""

    path: str
    changed: asyncio.Event
    objects: dict[str, Object] = field(default_factory=dict)

    async def follow(self, api: aiohttp.ClientSession) -> None:
        """Keep the objects current until cancelled."""
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                version = await self._list(api)
                await self._watch(api, version)
            await asyncio.sleep(PAUSE)

    async def _list(self, api: aiohttp.ClientSession) -> str:
        async with api.get(self.path) as answer:
            listed = await answer.json()
        self.objects = {_uid(item): item for item in listed["items"]}
        self.changed.set()
        return str(listed["metadata"]["resourceVersion"])

    async def _watch(self, api: aiohttp.ClientSession, version: str) -> None:
        async with api.get(self.path, params={"watch": "1", "resourceVersion": version}) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":  # the version is too old: list again
                    return
                self._apply(event["type"], event["object"])

    def _apply(self, kind: str, item: Object) -> None:
        if kind == "DELETED":
            self.objects.pop(_uid(item), None)
        else:
            self.objects[_uid(item)] = item
        self.changed.set()


def session(kubeconfig: Path) -> aiohttp.ClientSession:
    """Open a session with the API as the identity of a kubeconfig of our own."""
    config = json.loads(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    return aiohttp.ClientSession(
        cluster["server"],
        headers={"Authorization": f"Bearer {user['token']}"},
        connector=aiohttp.TCPConnector(ssl=trust(cluster)),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        read_bufsize=LONGEST_LINE,
        raise_for_status=True,
    )


def trust(cluster: Object) -> ssl.SSLContext:
    """Trust only the certificate in a kubeconfig."""
    return ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())


def _uid(item: Object) -> str:
    return str(item["metadata"]["uid"])
