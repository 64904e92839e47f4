"""Builds in another network namespace, whose addresses have services that count visits; prints the log."""

import asyncio
import json
import sys
import tempfile
import uuid
from pathlib import Path

from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.real.parts import BUSYBOX, order

PORT, OPEN = 8000, 8053
MODES = {"open": ("default", "off"), "default": ("default", "required"), "none": ("none", "required")}
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV NEW={new}
RUN for a in {addresses}; do \\
  (printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 "${{a%:*}}" "${{a#*:}}" | grep -q HTTP \\
    && echo "reached $a" || echo "blocked $a") & done; wait
"""


async def main(host: str, addresses: str) -> None:
    """Build once in each mode, in the order in which the rules appear."""
    servers = [await asyncio.start_server(_answer, None, port) for port in (PORT, OPEN)]
    engine = await DockerEngine.connect(host)
    logs: dict[str, str] = {}
    for name, (network, firewall) in MODES.items():
        log = FakeLog()
        builder = DockerBuilder(
            engine,
            ProcessSandbox(),
            instance="t",
            network=network,
            ports=(OPEN,),
            firewall=firewall,  # type: ignore[arg-type] # as listed
        )
        text = DOCKERFILE.format(new=uuid.uuid4().hex, addresses=addresses)
        with tempfile.TemporaryDirectory() as folder:
            files: dict[str, bytes | str] = {"Dockerfile": text, "busybox": BUSYBOX.read_bytes()}
            await builder.build(order(Path(folder), "attack:1", files), log)
        logs[name] = f"{log.text}\n{log.notes}"
    await engine.close()
    for server in servers:
        server.close()
    sys.stdout.write(json.dumps(logs))


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
