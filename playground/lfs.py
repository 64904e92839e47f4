"""Git LFS of the offline Gitee: the batch API and the contents, at `/<owner>/<repo>.git/info/lfs`.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from aiohttp import web

from playground.forge import OfflineForge
from playground.state import Repository

JSON = "application/vnd.git-lfs+json"
LARGEST = 64 << 20
"""Bytes of a content that is uploaded."""
_OID = re.compile(r"[0-9a-f]{64}")


class LfsServer:
    """The routes of the LFS server."""

    def __init__(self, forge: OfflineForge) -> None:
        self._forge = forge

    def folder(self, repository: Repository) -> Path:
        """Return the folder with a repository's contents, by their ids."""
        return self._forge.git(repository).path / "lfs"

    def add(self, repository: Repository, content: bytes) -> str:
        """Store a content and return its pointer."""
        oid = hashlib.sha256(content).hexdigest()
        self.folder(repository).mkdir(exist_ok=True)
        (self.folder(repository) / oid).write_bytes(content)
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"

    async def batch(
        self, request: web.Request, repository: Repository, asked: dict[str, Any]
    ) -> web.Response:
        """Say where the contents are, or where to upload them."""
        objects = [self._offer(request, repository, one, asked.get("operation")) for one in asked["objects"]]
        return web.json_response({"transfer": "basic", "objects": objects}, content_type=JSON)

    def _offer(
        self, request: web.Request, repository: Repository, one: Any, operation: Any
    ) -> dict[str, Any]:
        oid = str(one["oid"])
        known = bool(_OID.fullmatch(oid)) and (self.folder(repository) / oid).is_file()
        found = {"oid": oid, "size": one["size"]}
        if operation == "download" and not known:
            return {**found, "error": {"code": 404, "message": "Object does not exist"}}
        if operation == "upload" and known:
            return found
        address = f"{request.url.origin()}/{repository.full_name}.git/info/lfs/objects/{oid}"
        return {**found, "actions": {str(operation): {"href": address}}}

    async def download(self, request: web.Request, repository: Repository) -> web.StreamResponse:
        """Return a content."""
        oid = request.match_info["oid"]
        file = self.folder(repository) / oid
        if not _OID.fullmatch(oid) or not file.is_file():
            return web.json_response({"message": "Object does not exist"}, status=404, content_type=JSON)
        return web.FileResponse(file)

    async def upload(self, request: web.Request, repository: Repository) -> web.Response:
        """Store a content that has the id of the address."""
        content = b"".join([chunk async for chunk in request.content.iter_any()])
        if len(content) > LARGEST or hashlib.sha256(content).hexdigest() != request.match_info["oid"]:
            return web.json_response({"message": "Not the announced content"}, status=422, content_type=JSON)
        self.add(repository, content)
        return web.Response()
