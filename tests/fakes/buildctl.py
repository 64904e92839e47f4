"""A fake `buildctl` that accepts the documented options and no others, and builds with the Docker Engine.

Its output follows the raw JSON display of BuildKit (util/progress/progressui/display.go, client/graph.go) and
its error messages (cmd/buildctl/main.go, solver/errdefs). It replaces a real buildkitd, which not every
machine has.
"""

import argparse
import csv
import io
import json
import os
import re
import shlex
import signal
import socket
import stat
import sys
import tarfile
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import docker

MAX_SECRET = 500 << 10
"""Bytes of a secret that BuildKit takes (session/secrets/secretsprovider/store.go)."""
TIME = "2026-01-02T03:04:05.123456789Z"
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
_CODE = re.compile(r"The command '(.*)' returned a non-zero code: (\d+)")
_IMAGE = re.compile(
    r"pull access denied for ([^\s,]+)|manifest for (\S+) not found|repository (\S+) not found"
)


def install(folder: Path) -> Path:
    """Install the program in a folder; it appends its command lines to the file `calls` there."""
    program = folder / "buildctl"
    main_line = f"from tests.fakes.buildctl import main; main({str(folder / 'calls')!r})"
    root = Path(__file__).parents[2]
    program.write_text(f"#!{sys.executable}\nimport sys; sys.path.insert(0, {str(root)!r})\n{main_line}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def calls(program: Path) -> list[list[str]]:
    """Return the command lines with which the program was called."""
    file = program.with_name("calls")
    return [shlex.split(line) for line in file.read_text().splitlines()] if file.exists() else []


def main(record: str) -> None:
    """Run as buildctl."""
    # Before the call is recorded: the test may terminate the program as soon as it sees the call.
    signal.signal(signal.SIGTERM, lambda *_: _fail("failed to solve: Canceled: context canceled"))
    with Path(record).open("a") as file:
        file.write(shlex.join(sys.argv[1:]).replace("\n", " ") + "\n")
    options = _parser().parse_args()
    _reach(options.addr)
    if options.command == "debug":
        _print("ID\tPLATFORMS\nworker1\tlinux/amd64")
        return
    Build(options).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("buildctl", allow_abbrev=False)
    parser.add_argument("--addr", required=True)
    parser.add_argument("--tlsdir")
    commands = parser.add_subparsers(dest="command", required=True)
    debug = commands.add_parser("debug", allow_abbrev=False)
    debug.add_argument("what", choices=["workers"])
    build = commands.add_parser("build", allow_abbrev=False)
    build.add_argument("--frontend", required=True, choices=["dockerfile.v0"])
    build.add_argument("--progress", choices=["auto", "plain", "tty", "rawjson"], default="auto")
    build.add_argument("--metadata-file", type=Path)
    for name in ("local", "opt", "output", "secret", "import-cache", "export-cache"):
        build.add_argument(f"--{name}", action="append", default=[])
    return parser


def _reach(address: str) -> None:
    """Connect to the address, as the real client does first."""
    scheme, _, rest = address.partition("://")
    try:
        if scheme == "unix":
            with socket.socket(socket.AF_UNIX) as reached:
                reached.connect(rest)
        else:
            host, _, port = rest.partition(":")
            socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        message = f'connection error: desc = "transport: Error while dialing: dial {scheme} {rest}"'
        _fail(f"listing workers for Build: failed to list workers: Unavailable: {message}: {error.strerror}")


class Build:
    """One build."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.local = dict(one.split("=", 1) for one in options.local)
        self.opt = dict(one.split("=", 1) for one in options.opt)
        [self.output] = [_fields(one) for one in options.output]
        self.caches = [_fields(one) for one in (*options.import_cache, *options.export_cache)]
        self.secrets = [_fields(one) for one in options.secret]
        self.metadata: Path | None = options.metadata_file
        self.step = 0
        self.name = ""
        self.engine = docker.APIClient(timeout=600)

    def run(self) -> None:
        """Build, push, and print the result."""
        _report(0, "[internal] load build definition from " + self.opt["filename"])
        if not (Path(self.local["dockerfile"]) / self.opt["filename"]).is_file():
            missing = f"open {self.opt['filename']}: no such file or directory"
            _fail(f"failed to solve: failed to read dockerfile: {missing}")
        self._read_secrets()
        for message in self._messages():
            self._read(message)
        try:
            self._export()
        finally:
            self.engine.remove_image(self.output["name"], force=True)

    def _messages(self) -> Any:
        given = {
            "fileobj": self._context(),
            "custom_context": True,
            "dockerfile": self.opt["filename"],
            "target": self.opt.get("target", ""),
            "buildargs": self._named("build-arg:"),
            "labels": self._named("label:"),
            "network_mode": self.opt.get("force-network-mode"),
        }
        name = self.output["name"]
        return self.engine.build(tag=name, rm=True, forcerm=True, decode=True, **given)

    def _read_secrets(self) -> None:
        """Read the files as the real client does: their size first, then each time that they are asked for.

        The classic builder has no mounts for them, so that only the log shows what was read.
        """
        for secret in self.secrets:
            file = Path(secret["src"])
            assert file.stat().st_size <= MAX_SECRET
            assert file.read_bytes() == file.read_bytes()
            _report(0, "secrets", completed=None)
            _log(0, f"secret {secret['id']} {sha256(file.read_bytes()).hexdigest()}")

    def _read(self, message: dict[str, Any]) -> None:
        if "error" in message:
            self._failed(str(message["error"]))
        text = str(message.get("stream", "")).rstrip("\n")
        started = _STEP.match(text)
        if started:
            self.step += 1
            self.name = f"[{started[1]}/{started[2]}] {started[3]}"
            _report(self.step, self.name, completed=None)
        elif text and not text.startswith((" --->", "Removing", "Successfully")):
            _log(self.step, text)

    def _failed(self, error: str) -> NoReturn:
        code, image = _CODE.search(error), _IMAGE.search(error)
        if code:
            message = f'process "{code[1]}" did not complete successfully: exit code: {code[2]}'
        elif image:
            name = next(filter(None, image.groups()))
            self.step, self.name = self.step + 1, f"[internal] load metadata for {name}"
            message = f"{name}: not found"
        else:
            message = error
        _report(self.step, self.name, error=message)
        _print("Dockerfile:1\n--------------------")
        _fail(f"failed to solve: {message}")

    def _export(self) -> None:
        name, account = self.output["name"], _account(self.output["name"])
        number = self.step + 1
        _report(number, "exporting to image", completed=None)
        digest = ""
        for message in self.engine.push(name, stream=True, decode=True, auth_config=account):
            if "error" in message:
                _report(number, "exporting to image", error=f"failed to push {name}: {message['error']}")
                _fail(f"failed to solve: failed to push {name}: {message['error']}")
            digest = (message.get("aux") or {}).get("Digest", digest)
        for cache in self.caches:
            assert cache["type"] == "registry"
            _report(number + 1, "exporting cache to registry")
        if self.metadata:
            self.metadata.write_text(json.dumps({"containerimage.digest": digest, "image.name": name}))

    def _context(self) -> io.BytesIO:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            tar.add(self.local["context"], arcname=".")
        out.seek(0)
        return out

    def _named(self, prefix: str) -> dict[str, str]:
        return {
            name.removeprefix(prefix): value for name, value in self.opt.items() if name.startswith(prefix)
        }


def _account(image: str) -> dict[str, str] | None:
    """Return the account for an image's registry from the client's configuration."""
    auths = json.loads((Path(os.environ["DOCKER_CONFIG"]) / "config.json").read_text())["auths"]
    found = auths.get(image.partition("/")[0])
    if found is None:
        return None
    user, _, password = b64decode(found["auth"]).decode().partition(":")
    return {"username": user, "password": password}


def _fields(text: str) -> dict[str, str]:
    [fields] = csv.reader([text])
    return dict(one.split("=", 1) for one in fields)


def _report(number: int, name: str, *, completed: str | None = TIME, error: str = "") -> None:
    """Print the state of a step."""
    vertex = {
        "digest": f"sha256:{number}",
        "name": name,
        "started": TIME,
        "completed": completed,
        "error": error,
    }
    _print(json.dumps({"vertexes": [{key: value for key, value in vertex.items() if value}]}))


def _log(number: int, text: str) -> None:
    """Print what a step wrote."""
    log = {"vertex": f"sha256:{number}", "stream": 1, "data": b64encode(f"{text}\n".encode()).decode()}
    _print(json.dumps({"logs": [{**log, "timestamp": TIME}]}))


def _fail(message: str) -> NoReturn:
    _print(f"error: {message}")
    sys.exit(1)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
