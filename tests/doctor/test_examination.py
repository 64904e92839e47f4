"""The doctor's output for people and its exit code for scripts."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.core.admission.permissions import Entry, Rule
from bot.core.language.command import PermissionLevel
from bot.doctor import docker, examination, registry, settings
from bot.doctor.examination import examine, lines, passed, summary
from bot.doctor.findings import Check, DoctorOptions, Finding, State, fine, note, wrong
from bot.model.secrets import SecretStep
from bot.model.text import Language, Text
from bot.runners.docker.engine import DockerEngine, EngineRefused
from bot.settings.model import (
    DockerSettings,
    GiteeSettings,
    RegistrySettings,
    ReposSettings,
    Secret,
    SecretSettings,
    ServerSettings,
    Settings,
)
from tests.real.parts import RegistryProcess
from tests.real.ports import free_port

BAD = wrong(Text(en="it is gone", zh="不见了"), Text(en="Bring it back.", zh="请恢复。"))


async def _fine(_options: DoctorOptions) -> Sequence[Finding]:
    return [fine(en="good", zh="好"), note(Text(en="odd", zh="奇怪"))]


async def _bad(_options: DoctorOptions) -> Sequence[Finding]:
    return [BAD]


async def _bug(_options: DoctorOptions) -> Sequence[Finding]:
    raise LookupError("what")


async def _hangs(_options: DoctorOptions) -> Sequence[Finding]:
    await asyncio.Event().wait()
    return []


async def test_all_checks_run_in_order_and_one_failure_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(examination, "TIME_LIMIT", 0.05)
    checks = [
        Check("hangs", _hangs),
        Check("bug", _bug),
        Check("unused", _bad, enabled=lambda _: False),
        Check("fine", _fine),
    ]

    found = [each async for each in examine(DoctorOptions(Settings()), checks)]

    assert [name for name, _ in found] == ["hangs", "bug", "fine"]
    assert [findings[0].state for _, findings in found] == [State.WRONG, State.WRONG, State.FINE]
    assert "LookupError: what" in found[1][1][0].found.zh


def test_the_list_names_each_part_once_and_gives_advice() -> None:
    printed = list(lines("dns", [fine(en="good", zh="好"), BAD], Language.ZH))

    assert printed == ["✓ dns         好", "✗             不见了", "              → 请恢复。"]
    assert list(lines("dns", [BAD], Language.EN))[1] == "              → Bring it back."


def test_a_note_is_not_a_failure() -> None:
    assert passed([note(Text(en="odd", zh="奇怪"))])
    assert summary([BAD], Language.ZH) != summary([], Language.ZH)


def doctor(*arguments: str, **environ: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["doctor", *arguments], env=environ)
    return result.exit_code, result.output


def test_invalid_settings_are_the_only_finding(tmp_path: Path) -> None:
    config = tmp_path / "chatops.toml"
    config.write_text("[server]\nprot = 1\n[gitte]\n")

    code, output = doctor("--config", str(config), "--language", "en")

    assert code == 1
    assert f"✗ settings    {config}:2: server.prot: unknown key" in output
    assert f"\n              {config}:3: gitte: unknown section" in output
    assert "docker" not in output


def test_missing_settings_for_gitee_and_the_registry_are_reported(tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    environ = {
        "CHATOPS_REGISTRY__URL": gone,
        "CHATOPS_GITEE__URL": gone,
        "CHATOPS_GITEE__TOKEN": "t",
        "CHATOPS_DOCKER__HOST": f"unix://{tmp_path}/docker.sock",
        "CHATOPS_SERVER__DATA_DIR": str(tmp_path / "data"),
        "CHATOPS_COMMENTS__LANGUAGE": "en",
    }

    code, output = doctor(**environ)

    assert code == 1
    for words in (
        "✗ settings    the bot serves no repository",
        "✗ gitee       Gitee does not respond",
        "✗ registry    127.0.0.1",
        "✗ docker      the engine does not respond",
        "! dns         preview.localhost",
    ):
        assert words in output
    assert output.endswith("Fix the items marked ✗ and run this again.\n")
    assert "Docker Engine 没有响应" in doctor("--language", "zh", **environ)[1]


def test_an_invalid_repository_is_refused() -> None:
    code, output = doctor("--repo", "shop")

    assert code == 2
    assert "shop" in output


async def test_complete_settings_pass(tmp_path: Path) -> None:
    complete = Settings(
        server=ServerSettings(public_url="https://bot.example.com", data_dir=tmp_path / "new" / "data"),
        gitee=GiteeSettings(webhook_secret=(Secret("s"),)),
        repos=ReposSettings(allow=("a/*",)),
    )

    assert [found.state for found in await settings.check(DoctorOptions(complete))] == [State.FINE]


async def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = await settings.check(
        DoctorOptions(Settings(server=ServerSettings(data_dir=tmp_path / "file" / "data")))
    )

    assert f"{tmp_path}/file cannot be written to" in [one.found.en for one in found]


@pytest.mark.docker
async def test_a_real_engine_passes() -> None:
    [found, _builds, _disk] = await docker.check(DoctorOptions(Settings()))

    assert found.state is State.FINE
    assert "API 1." in found.found.en


def with_secret(*steps: SecretStep) -> Settings:
    return Settings(secrets={"token": SecretSettings(("shop/*",), steps, Path("/run/secrets/token"))})


@pytest.mark.docker
async def test_a_real_engine_delivers_secrets_to_builds() -> None:
    found = await docker.check(DoctorOptions(with_secret(SecretStep.BUILD)))

    assert [one.found.en for one in found if "secrets" in one.found.en] == ["builds can get secrets"]


@pytest.mark.docker
async def test_an_engine_that_opens_no_session_delivers_no_secrets_to_builds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DockerEngine, "upgraded", _refused)

    found = await docker.check(DoctorOptions(with_secret(SecretStep.BUILD)))
    for_services = await docker.check(DoctorOptions(with_secret(SecretStep.SERVICES)))

    (one,) = (one for one in found if "secrets" in one.found.en)
    assert one.state is State.WRONG
    assert "opens no session of BuildKit: /session is not available" in one.found.en
    assert not any("secrets" in one.found.en for one in for_services)


def _refused(_engine: DockerEngine, path: str, *_: object) -> NoReturn:
    raise EngineRefused(f"{path} is not available", 404)


@pytest.mark.parametrize("version", ["1.40", "1.9"])
def test_an_engine_that_is_too_old_fails(version: str) -> None:
    assert docker._version("19.03", version).state is State.WRONG
    assert docker._version("28", "1.51").state is State.FINE


async def test_an_unusable_engine_address_is_reported() -> None:
    [found] = await docker.check(DoctorOptions(Settings(docker=DockerSettings(host="ssh://host"))))

    assert found.state is State.WRONG
    assert "ssh://" in found.found.en


@pytest.mark.docker
async def test_a_real_registry_passes_and_gets_no_new_repository(tmp_path: Path) -> None:
    process = RegistryProcess(tmp_path)
    try:
        found = await registry.check(
            DoctorOptions(Settings(registry=RegistrySettings(url=f"http://{process.host}")))
        )
        async with httpx.AsyncClient(base_url=f"http://{process.host}") as client:
            known = (await client.get("/v2/_catalog")).json()
    finally:
        process.stop()

    assert known == {"repositories": []}
    assert [one.found.en for one in found] == [
        f"http://{process.host} responds",
        "the account can push images",
    ]


@pytest.mark.docker
async def test_a_registry_that_refuses_pushes_is_reported(tmp_path: Path) -> None:
    process = RegistryProcess(tmp_path, readonly=True)
    try:
        _, found = await registry.check(
            DoctorOptions(Settings(registry=RegistrySettings(url=f"http://{process.host}")))
        )
    finally:
        process.stop()

    assert (found.state, found.found.en) == (
        State.WRONG,
        f"the account cannot push to http://{process.host}",
    )


async def test_rules_for_repositories_that_the_bot_does_not_serve_are_named(tmp_path: Path) -> None:
    rules = (
        Entry("deploy", Rule(PermissionLevel.ADMIN), pattern="shop/old", source="chatops.toml:7"),
        Entry("deploy", Rule(PermissionLevel.ADMIN), pattern="shop/*", source="chatops.toml:9"),
        Entry("deploy", Rule(PermissionLevel.ADMIN), pattern="shop/web", source="chatops.toml:11"),
    )
    chosen = Settings(
        server=ServerSettings(data_dir=tmp_path, public_url="https://bot.example.com"),
        gitee=GiteeSettings(webhook_secret=(Secret("s3cret"),)),
        repos=ReposSettings(("shop/*", "!shop/old")),
        permissions=rules,
    )
    await asyncio.to_thread(tmp_path.chmod, 0o750)

    found = await settings.check(DoctorOptions(chosen))

    assert [(one.state, one.found.en) for one in found] == [
        (State.WRONG, "chatops.toml:7: the bot does not serve shop/old")
    ]


def test_a_pattern_of_rules_that_fits_nothing_is_the_doctors_first_finding(tmp_path: Path) -> None:
    config = tmp_path / "chatops.toml"
    config.write_text('[repos]\nallow = ["shop/*"]\n[permissions."lab/*"]\ndeploy = "admin"\n')

    result = CliRunner().invoke(main, ["doctor", "--config", str(config)])

    assert result.exit_code == 1
    assert f"{config}:3: permissions.lab/*: fits no repository that [repos] allow has" in result.output
