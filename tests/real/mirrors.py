"""Private mirrors of packages on this machine, and images with the clients of this machine that use them."""

import base64
import hashlib
import io
import json
import re
import subprocess
import tarfile
import uuid
import zipfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import docker
from aiohttp import web

from tests.real.parts import build_image

MAVEN_REPO = Path("/usr/share/maven-repo")
"""Debian's packages of Java put their artefacts here."""
_OF_LIBC = re.compile(r"/lib(?:c|m|dl|rt|pthread)\.so")
PYTHON_BASE = "chatops-bot-base:3.11"


@dataclass
class Mirror:
    """A server that answers only requests with its credentials."""

    authorization: str
    files: dict[str, bytes] = field(default_factory=dict)
    folder: Path | None = None
    """What else it serves."""
    host: str = ""
    """Address and port."""
    refused: int = 0
    served: set[str] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if request.headers.get("Authorization") != self.authorization:
            self.refused += 1
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="mirror"'})
        path = request.path
        found = self.files.get(path)
        if found is None and self.folder is not None and ".." not in path:
            file = self.folder / path.lstrip("/")
            found = file.read_bytes() if file.is_file() else None
        if found is None:
            return web.Response(status=404)
        self.served.add(path)
        html = path.endswith("/")
        return web.Response(body=found, content_type="text/html" if html else "application/octet-stream")


def bridge_address(sdk: docker.DockerClient) -> str:
    """Return this machine's address on the engine's bridge, at which builds reach it."""
    bridge = sdk.networks.get("bridge").attrs["IPAM"]["Config"][0]
    return bridge.get("Gateway") or str(ip_network(bridge["Subnet"])[1])


@asynccontextmanager
async def serving(mirror: Mirror, address: str) -> AsyncIterator[Mirror]:
    """Serve a mirror at an address of this machine, which builds can reach."""
    app = web.Application()
    app.router.add_get("/{path:.*}", mirror.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, address, 0)
    await site.start()
    host, port, *_ = runner.addresses[0]
    mirror.host = f"{host}:{port}"
    try:
        yield mirror
    finally:
        await runner.cleanup()


def basic(user: str, password: str) -> str:
    """Return the header of basic authentication."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def python_index(authorization: str, package: str) -> Mirror:
    """Return an index with one package, whose module prints where it came from."""
    wheel = f"{package}-1.0-py3-none-any.whl"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = f"{package}-1.0.dist-info"
        archive.writestr(f"{package}.py", "WHERE = 'from the private index'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(out.getvalue()).hexdigest()
    page = f'<a href="/files/{wheel}#sha256={digest}">{wheel}</a>'.encode()
    return Mirror(authorization, {f"/simple/{package}/": page, f"/files/{wheel}": out.getvalue()})


def npm_package(package: str, host: str) -> dict[str, bytes]:
    """Return the files of a registry at this address with one package."""
    manifest = {"name": package, "version": "1.0.0", "main": "index.js"}
    out = io.BytesIO()
    script = "module.exports = 'from the private registry'\n"
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in (("package.json", json.dumps(manifest)), ("index.js", script)):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    integrity = base64.b64encode(hashlib.sha512(out.getvalue()).digest()).decode()
    url = f"http://{host}/{package}/-/{package}-1.0.0.tgz"
    version = manifest | {"dist": {"tarball": url, "integrity": f"sha512-{integrity}"}}
    listed = {"name": package, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    return {f"/{package}": json.dumps(listed).encode(), f"/{package}/-/{package}-1.0.0.tgz": out.getvalue()}


def tools_image(sdk: docker.DockerClient, paths: Iterable[Path], label: str) -> str:
    """Build an image of Python's base with files of this machine at the same paths; links become files."""
    name = f"chatops-test-tools:{uuid.uuid4().hex[:12]}"
    context = io.BytesIO()
    recipe = f"FROM {PYTHON_BASE}\nLABEL {label}={name}\nCOPY root /\n".encode()
    with tarfile.open(fileobj=context, mode="w", format=tarfile.GNU_FORMAT, dereference=True) as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(recipe)
        archive.addfile(member, io.BytesIO(recipe))
        for path in paths:
            archive.add(path, f"root{path}")
    context.seek(0)
    build_image(sdk, fileobj=context, custom_context=True, tag=name)
    return name


def libraries(*programs: Path) -> set[Path]:
    """Return the shared libraries that programs of this machine load, without those of the base image."""
    command = ["/usr/bin/ldd", *map(str, programs)]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - constants
    found = (Path(path) for path in re.findall(r"=> (/\S+)", listed) if not _OF_LIBC.search(path))
    # `/lib` is a link, in whose place COPY would put a folder.
    return {path.parent.resolve() / path.name for path in found}
