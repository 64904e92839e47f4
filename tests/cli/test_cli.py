"""The command line `chatops`: clear messages for errors, and exit codes for scripts."""

import asyncio
import json
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner

from bot.cli import main
from bot.model.audit import AuditCause, AuditRecord, AuditResult
from bot.model.forge import RepoPath
from bot.store import audit
from bot.store.records import Store
from tests.real.parts import PATIENCE
from tests.real.ports import free_port


def run(*arguments: str, environ: dict[str, str] | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, env=environ or {})
    return result.exit_code, result.output


def test_version_and_help_are_printed() -> None:
    assert run("--version")[0] == 0
    code, output = run("--help")
    assert code == 0
    assert "serve" in output
    assert "playground" in output


def test_an_unknown_key_is_reported_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "chatops.toml"
    config.write_text('[server]\nport = 8080\n\n[gitee]\ntokn = "x"\n')
    code, output = run("serve", "--config", str(config))
    assert code == 1
    assert "chatops.toml:5" in output
    assert "tokn" in output
    assert "token" in output


def test_a_permission_for_an_unknown_command_is_an_error(tmp_path: Path) -> None:
    code, output = run(
        "serve",
        environ={
            "CHATOPS_SERVER__DATA_DIR": str(tmp_path),
            "CHATOPS_SERVER__PORT": str(free_port()),
            "CHATOPS_PREVIEW__PORT": str(free_port()),
            "CHATOPS_PERMISSIONS__DEPLY": "write",
        },
    )
    assert code == 1
    assert "deply" in output
    assert "deploy" in output


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output = run(
            "serve",
            environ={
                "CHATOPS_SERVER__DATA_DIR": str(tmp_path),
                "CHATOPS_SERVER__PORT": str(port),
                "CHATOPS_PREVIEW__PORT": str(free_port()),
            },
        )
    assert code == 1
    assert f"127.0.0.1:{port}" in output


def not_ready(port: int) -> dict[str, Any]:
    """Return the parts of a bot that is not ready."""
    answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE)
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    parts: dict[str, Any] = json.loads(answer.text)["parts"]
    return parts


def test_a_bot_without_engine_and_gitee_keeps_running_and_is_not_ready(tmp_path: Path) -> None:
    port = free_port()
    environ = {
        "CHATOPS_SERVER__DATA_DIR": str(tmp_path),
        "CHATOPS_SERVER__PORT": str(port),
        "CHATOPS_SERVER__PUBLIC_URL": "https://bot.example.com",
        "CHATOPS_PREVIEW__PORT": str(free_port()),
        "CHATOPS_DOCKER__HOST": f"unix://{tmp_path}/docker.sock",
        "CHATOPS_REGISTRY__URL": f"http://127.0.0.1:{free_port()}",
        "CHATOPS_GITEE__URL": f"http://127.0.0.1:{free_port()}",
        "PATH": "/usr/bin:/bin",
    }
    bot = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "serve"], env=environ, stderr=subprocess.PIPE, text=True
    )
    lines = bot.stderr
    assert lines is not None
    try:
        said = f"chatops listens on http://127.0.0.1:{port}, reached as https://bot.example.com\n"
        while lines.readline() != said:
            assert bot.poll() is None
        # Refusing a connection can take a busy machine longer than the bot waits for an answer.
        answers = (not_ready(port) for _ in range(100))
        parts = next(parts for parts in answers if "no answer within" not in parts["gitee"]["message"])
        assert {name: part["ready"] for name, part in parts.items()} == {
            "store": True,
            "gitee": False,
            "registry": False,
            "docker": False,
            "disk": True,
        }
        assert parts["gitee"]["message"] == "gitee_unavailable: GET /user: ConnectError"
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).is_success
    finally:
        bot.terminate()
        assert bot.wait(PATIENCE) == 0
        lines.close()


def test_gc_needs_a_store_and_creates_none(tmp_path: Path) -> None:
    code, output = run("gc", environ={"CHATOPS_SERVER__DATA_DIR": str(tmp_path / "none")})
    assert code == 1
    assert "no store" in output
    assert not (tmp_path / "none").exists()


def stored(tmp_path: Path, *records: AuditRecord) -> dict[str, str]:
    """Leave a store with these audit records, and return the settings of its bot."""

    async def store_them() -> None:
        store = await Store.open(url)
        try:
            await store.database.run(lambda connection: audit.add(connection, records))
        finally:
            await store.close()

    url = f"sqlite:///{tmp_path}/store.db"
    asyncio.run(store_them())
    return {"CHATOPS_STORE__URL": url}


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = RepoPath("team", "shop")
BUILT = AuditRecord(NOW, SHOP, 12, AuditCause.COMMENT, "build", AuditResult.ACCEPTED, "lin", runs=(7,))
REFUSED = replace(BUILT, action="deploy", who="mei\x1b[2J", result=AuditResult.REFUSED, runs=())


def test_audit_lists_records_for_people(tmp_path: Path) -> None:
    code, output = run("audit", environ=stored(tmp_path, BUILT, REFUSED))
    header, built, refused = output.splitlines()
    assert code == 0
    assert header.split()[:3] == ["TIME", "(UTC)", "WHO"]
    assert built.split()[:5] == ["2026-03-01", "12:00:00", "lin", "team/shop!12", "-"]
    assert "mei\\x1b[2J" in refused


def test_audit_exports_records_as_json_lines(tmp_path: Path) -> None:
    chosen = ("--json", "--refused", "--repo", "team/*", "--pull", "12", "--since", "2026-02-01")
    code, output = run("audit", *chosen, environ=stored(tmp_path, BUILT, REFUSED))
    [record] = [json.loads(line) for line in output.splitlines()]
    assert (code, record["who"], record["action"]) == (0, "mei\x1b[2J", "deploy")
    assert "\x1b" not in output


def test_audit_without_records_succeeds(tmp_path: Path) -> None:
    assert run("audit", "--json", "--until", "1d", environ=stored(tmp_path)) == (0, "")


def test_audit_says_what_is_wrong(tmp_path: Path) -> None:
    nothing = {"CHATOPS_STORE__URL": f"sqlite:///{tmp_path}/none.db"}
    code, output = run("audit", environ=nothing)
    assert (code, "start the bot first" in output) == (1, True)
    code, output = run("audit", "--since", "yesterday", environ=nothing)
    assert (code, "neither a time such as 7d nor a date" in output) == (2, True)
    code, output = run("audit", "--repo", "shop", environ=nothing)
    assert (code, "not a pattern of repositories such as org/*: 'shop'" in output) == (2, True)
