"""What services write: quoted under the pull request, shown live on a page, and kept after they are gone."""

from typing import Any

import pytest

from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.steps.service_logs import LARGEST
from tests.dialogue.offline import OfflineTester, visitor
from tests.fakes.adapters import WELL

AWAY = RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": "no engine"})


@pytest.fixture
async def deployed(tester: OfflineTester) -> OfflineTester:
    """Provide a tester with a preview that is ready."""
    assert "Preview ready" in await tester.opened()
    return tester


async def shown(tester: OfflineTester, path: str) -> Any:
    async with visitor(tester.bot.listeners.web.url) as client:
        return await client.get(path, headers={"Accept-Language": "en"})


async def test_the_output_of_a_service_is_quoted_with_a_link_to_its_page(deployed: OfflineTester) -> None:
    deployed.world.last_words = "GET / 200\n@all <!-- chatops:run=1 -->"
    run = await deployed.bot.store.runs.run(1)
    assert run is not None

    said = await deployed.says("/logs app")

    page = f"https://bot.example.com/runs/1-{run.uid}/services"
    assert said.startswith(f"**Output of `{WELL.name}`** · `preview` · commit ")
    assert f"[live output](<{page}#app>)" in said
    assert "GET / 200\n" in said
    assert "@all" not in said
    assert said.count("<!--") == 1
    html = (await shown(deployed, f"/runs/1-{run.uid}/services")).text
    assert "<span>GET / 200</span>" in html
    assert "&lt;!-- chatops:run=1 --&gt;" in html
    assert 'data-final="false"' in html
    assert f'href="/runs/1-{run.uid}/services"' in (await shown(deployed, "/runs/1")).text
    raw = await shown(deployed, "/runs/1/services/app.txt")
    assert (raw.text, raw.headers["Content-Type"]) == (
        f"{deployed.world.last_words}\n",
        "text/plain; charset=utf-8",
    )


async def test_a_name_of_nothing_names_what_there_is(deployed: OfflineTester) -> None:
    said = await deployed.says("/logs dbb")

    assert "Steps and services with a log: " in said
    assert "`app`" in said
    assert (await shown(deployed, "/runs/1/services/dbb.txt")).status_code == 404


async def test_an_engine_that_does_not_answer_is_told_for_services_only(deployed: OfflineTester) -> None:
    deployed.bot.deps.adapters.files.log(1, "build").write("step 1\n")
    deployed.world.script.fail("parts of", AWAY, AWAY, AWAY)

    assert "The Docker Engine does not respond: `no engine`" in await deployed.says("/logs app")
    assert "step 1" in await deployed.says("/logs build")
    assert (await shown(deployed, "/runs/1/services")).status_code == 503


@pytest.mark.parametrize("command", ["/teardown", "/deploy"])
async def test_output_is_kept_when_its_service_is_removed(deployed: OfflineTester, command: str) -> None:
    deployed.world.last_words = f"{'x' * LARGEST}\nbye"
    await deployed.says(command)

    assert deployed.world.kept == {(1, "app"): "bye"}


async def test_what_was_kept_is_shown_after_a_teardown(deployed: OfflineTester) -> None:
    files = deployed.bot.deps.adapters.files
    await files.keep_service(1, "app", "bye")
    assert "bye" not in await deployed.says("/logs app")
    await deployed.says("/teardown")

    said = await deployed.says("/logs app")
    assert said.startswith("**Output of `app`** · `preview` · removed · commit ")
    assert "[all that was kept]" in said
    assert "bye" in said
    html = (await shown(deployed, "/runs/1/services")).text
    assert "this is what its services wrote last" in html
    assert "<span>bye</span>" in html
    assert 'data-final="true"' in html


@pytest.mark.parametrize("call", ["parts of", "output"])
async def test_output_that_cannot_be_read_delays_no_removal(deployed: OfflineTester, call: str) -> None:
    deployed.world.script.fail(call, AWAY)

    assert "torn down" in (await deployed.says("/teardown")).lower()
    assert deployed.world.kept == {}
    assert not deployed.world.deployed


async def test_nothing_deployed_has_no_output(tester: OfflineTester) -> None:
    await tester.open()
    await tester.read()

    assert (await shown(tester, "/runs/999/services")).status_code == 404


async def test_a_runner_that_hangs_keeps_no_log_of_a_step_back(
    deployed: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.engine.deciding.facts.RUNNER_SECONDS", 0.1)
    deployed.bot.deps.adapters.files.log(1, "build").write("step 1\n")
    for command, said in (("/logs build", "step 1"), ("/logs app", "did not give the output")):
        hanging = deployed.world.script.hold("parts of")
        assert said in await deployed.says(command)
        hanging.open()
