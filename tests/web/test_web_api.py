"""The JSON API: its OpenAPI document, its responses and its errors."""

import re
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from bot.model.environment import EnvironmentState, Outage, PublicService
from bot.model.forge import Merge, RepoPath
from bot.model.reason import Reason
from bot.model.run import RunState, Trouble
from bot.web.api.operations import OPERATIONS, PREFIX
from tests.web.conftest import Bench, Client
from tests.web.fakes import NOW, environment, finished_run, run
from tests.web.reading import page

SAMPLES = {"id": "41", "step": "build", "owner": "oak", "repo": "shop", "number": "7"}


def fill(bench: Bench) -> None:
    bench.runs.put(
        finished_run(41), run(42), run(43, RunState.QUEUED, repo=RepoPath("oak", "till"), number=9)
    )
    outage = Outage(Reason.CRASH_LOOP, NOW, {"name": "app", "code": "137"}, "app", "log")
    failing = replace(environment("pr-9-shop", EnvironmentState.FAILING), outage=outage)
    bench.environments.put(environment(), failing, environment("pr-8-shop", EnvironmentState.REMOVED))
    bench.files.append(41, "build", "step 1\nstep 2 你好\n")


async def fetched(client: Client, path: str, status: int = 200, *, language: str = "zh") -> Any:
    response = await client.get(PREFIX + path, headers={"Accept-Language": language})
    assert response.status == status
    assert response.content_type == "application/json"
    return await response.json()


def concrete(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: SAMPLES[found[1]], path)


async def test_responses_match_the_document(client: Client, bench: Bench) -> None:
    fill(bench)
    document = await fetched(client, "/openapi.json")
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)

    for path, item in document["paths"].items():
        schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        jsonschema.validate(await fetched(client, concrete(path)), whole)


async def test_every_route_is_described(client: Client) -> None:
    document = await fetched(client, "/openapi.json")

    routes = {
        resource.canonical.removeprefix(PREFIX)
        for resource in client.app.router.resources()
        if resource.canonical.startswith(PREFIX)
    }

    assert routes == set(document["paths"]) | {"/openapi.json"}
    assert len(document["paths"]) == len(OPERATIONS)
    for path, item in document["paths"].items():
        assert item["get"]["summary"]
        named = {one["name"] for one in item["get"]["parameters"] if one["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/runs/99", 404, "not_found"),
        ("/runs/0", 404, "not_found"),
        ("/runs/99999999999999999999", 404, "not_found"),
        ("/runs/x", 404, "not_found"),
        ("/nothing", 404, "not_found"),
        ("/runs/41/logs/none", 404, "not_found"),
        ("/runs/41/logs/..%2F..%2Fetc", 404, "not_found"),
        ("/runs/41/logs/build?offset=-1", 400, "bad_request"),
        ("/runs/41/logs/build?limit=0", 400, "bad_request"),
        ("/runs?limit=x", 400, "bad_request"),
        ("/runs?before=%EF%BC%91", 400, "bad_request"),
        ("/runs?repository=shop", 400, "bad_request"),
        ("/pulls/oak/shop/99", 404, "not_found"),
    ],
)
async def test_errors_have_one_format(
    client: Client, bench: Bench, path: str, status: int, code: str
) -> None:
    fill(bench)

    content = await fetched(client, path, status)

    assert content["status"] == code
    assert set(content) == {"status", "message"}
    assert content["message"]


async def test_a_wrong_method_names_the_allowed_ones(client: Client) -> None:
    response = await client.post(f"{PREFIX}/runs")

    assert (response.status, (await response.json())["status"]) == (405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]


async def test_an_internal_error_shows_only_an_incident_id(
    client: Client, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.runs.broken = True

    content = await fetched(client, "/runs/1", 500)

    assert content["status"] == "internal"
    assert "secret detail" not in content["message"]
    assert content["message"].split()[-1] in caplog.text


async def test_a_run_has_its_steps_and_their_results(client: Client, bench: Bench) -> None:
    fill(bench)

    content = await fetched(client, "/runs/41")

    assert (content["state"], content["final"], content["repository"]) == ("failed", True, "oak/shop")
    assert content["url"] == "http://bot.test/runs/41"
    build, deploy, test = content["steps"]
    assert build["image"]["digest"].startswith("sha256:")
    assert build["seconds"] == 25
    assert build["image"]["scan"]["critical"] == 1
    assert (build["image"]["scan"]["low"], build["image"]["scan"]["high"]) == (3, 0)
    assert (build["image"]["scan"]["total"], build["image"]["scan"]["fixable"]) == (4, 2)
    assert deploy["url"] == "http://pr-7-shop.preview.test/"
    assert (test["reason"], test["tests"]["failed"]) == ("tests_failed", 2)
    assert test["failed_tests"] == ["cart::test_coupon", "cart::test_empty"]


async def test_a_step_has_every_field_of_its_record(client: Client, bench: Bench) -> None:
    """A field that is read by a path would become its default if the model had another name for it."""
    tests = finished_run(41).steps[2]
    services = {"api": "http://api--pr-7-shop.preview.test/"}
    tests = replace(tests, result=tests.result and replace(tests.result, services=services))
    trouble = Trouble(Reason.STORE_UNAVAILABLE, {"message": "locked"}, 30)
    bench.runs.put(
        run(41, steps=(replace(tests, waiting="queue", link="http://ci.test/1", trouble=trouble),))
    )

    content = await fetched(client, "/runs/41")

    assert content["steps"] == [
        {
            "name": "test",
            "state": "failed",
            "attempt": 1,
            "started_at": "2026-03-04T05:04:07+00:00",
            "finished_at": "2026-03-04T05:04:32+00:00",
            "waiting": "queue",
            "link": "http://ci.test/1",
            "trouble": {"reason": "store_unavailable", "facts": {"message": "locked"}, "again_in": 30},
            "seconds": 25.0,
            "reason": "tests_failed",
            "facts": {"failed": "2", "total": "8"},
            "image": None,
            "images": [],
            "url": None,
            "services": services,
            "serving_sha": "",
            "tests": {"passed": 5, "failed": 2, "skipped": 1, "flaky": 1, "seconds": 3.2},
            "failed_tests": ["cart::test_coupon", "cart::test_empty"],
        }
    ]


async def test_an_image_says_what_it_was_built_from(client: Client, bench: Bench) -> None:
    given = finished_run(41)
    built = given.steps[0].result
    assert built is not None
    assert built.image is not None
    image = replace(built.image, merge=Merge("ab" * 20, "cd" * 20, "ef" * 20), built_from="12" * 20)
    bench.runs.put(run(41, steps=(replace(given.steps[0], result=replace(built, image=image)),)))

    found = (await fetched(client, "/runs/41"))["steps"][0]["image"]

    assert found["merge"] == {"sha": "ab" * 20, "base": "cd" * 20}
    assert found["built_from"] == "12" * 20
    html = await page(client, "/runs/41")
    assert f"merge of {image.sha[:8]} into the base branch at cdcdcdcd" in html
    assert "unchanged since <code>12121212</code>" in html


async def test_runs_are_paged(client: Client, bench: Bench) -> None:
    bench.runs.put(*(run(number) for number in range(1, 6)))

    first = await fetched(client, "/runs?limit=3")
    second = await fetched(client, f"/runs?limit=3&before={first['next_before']}")

    assert [one["id"] for one in first["runs"]] == [5, 4, 3]
    assert [one["id"] for one in second["runs"]] == [2, 1]
    assert second["next_before"] is None


async def test_runs_of_one_repository(client: Client, bench: Bench) -> None:
    fill(bench)

    content = await fetched(client, "/runs?repository=oak/till")

    assert [one["id"] for one in content["runs"]] == [43]


async def test_a_log_is_read_in_pieces(client: Client, bench: Bench) -> None:
    fill(bench)
    whole = "step 1\nstep 2 你好\n"

    text, offset, ended = "", 0, False
    while not ended:
        piece = await fetched(client, f"/runs/41/logs/build?offset={offset}&limit=5")
        text, offset, ended = text + piece["text"], piece["next_offset"], piece["ended"]

    assert text == whole
    assert offset == len(whole.encode())


async def test_the_log_of_a_running_step_has_not_ended(client: Client, bench: Bench) -> None:
    bench.runs.put(run(42))
    bench.files.append(42, "build", "so far")

    assert (await fetched(client, "/runs/42/logs/build?offset=6"))["ended"] is False


async def test_a_log_is_also_available_as_text(client: Client, bench: Bench) -> None:
    fill(bench)

    response = await client.get(f"{PREFIX}/runs/41/logs/build", headers={"Accept": "text/plain"})

    assert (response.content_type, await response.text()) == ("text/plain", "step 1\nstep 2 你好\n")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_environments_have_their_url_but_not_their_endpoint(client: Client, bench: Bench) -> None:
    fill(bench)
    (first, *_) = bench.environments.by_label.values()
    bench.environments.put(
        replace(first, public=(PublicService("api", 9000), PublicService("docs", 80, "/docs")))
    )

    content = await fetched(client, "/environments")

    one, failing = content["environments"]
    assert failing["outage"] == {
        "reason": "crash_loop",
        "facts": {"name": "app", "code": "137"},
        "since": NOW.isoformat(),
    }
    assert one["outage"] is None
    assert (one["url"], one["state"]) == ("http://pr-7-shop.preview.test/", "ready")
    assert "endpoint" not in one
    assert one["services"] == {
        "api": "http://api--pr-7-shop.preview.test/",
        "docs": "http://pr-7-shop.preview.test/docs",
    }
    assert failing["services"] == {}


async def test_a_pull_request_has_only_its_own_runs(client: Client, bench: Bench) -> None:
    fill(bench)

    content = await fetched(client, "/pulls/oak/shop/7")

    assert [one["id"] for one in content["runs"]] == [42, 41]
    assert len(content["environments"]) == 2


@pytest.mark.parametrize(
    ("accept", "summary"), [("en", "Deploy this pull request."), ("zh-CN,en;q=0.5", "部署此 Pull Request。")]
)
async def test_commands_are_in_the_clients_language(client: Client, accept: str, summary: str) -> None:
    content = await fetched(client, "/commands", language=accept)

    assert content["commands"][0]["summary"] == summary
