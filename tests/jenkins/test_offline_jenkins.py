"""The offline Jenkins, compared with recorded answers and with the rules of Jenkins's console."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.runners.jenkins import responses
from playground.jenkins import tree
from playground.jenkins.console import ConsoleLog
from playground.jenkins.server import OfflineJenkins
from playground.jenkins.stories import BuildHandle, gated
from tests.jenkins.bench import TOKEN, USER
from tests.real.parts import PATIENCE

SAMPLES = Path(__file__).parents[1] / "samples" / "jenkins"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"api4jenkins__{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
async def http(jenkins: OfflineJenkins) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=jenkins.url, auth=(USER, TOKEN), timeout=PATIENCE) as client:
        yield client


async def get(http: httpx.AsyncClient, path: str, **query: str) -> Any:
    answer = await http.get(f"{path}/api/json", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert answer.headers["X-Jenkins"]
    return answer.json()


def assert_like(found: Any, recorded: Any, where: str = "") -> None:
    """Fail for keys that Jenkins does not send, and for values of another type."""
    if found is None or recorded is None or found == {} or recorded == {}:
        return
    assert type(found) is type(recorded), where
    if isinstance(found, dict):
        for key, value in found.items():
            assert key in recorded, f"{where}.{key}"
            assert_like(value, recorded[key], f"{where}.{key}")
    if isinstance(found, list) and found and recorded:
        known = {str(one.get("_class")): one for one in recorded if isinstance(one, dict)}
        for one in found:
            match = known.get(str(one.get("_class")) if isinstance(one, dict) else "", recorded[0])
            assert_like(one, match, f"{where}[]")


PARAMETERS = {"_class": "hudson.model.ParametersAction", "parameters": [
    {"_class": "hudson.model.StringParameterValue", "name": "x", "value": "y"}]}  # fmt: skip


async def test_queue_items_are_like_recorded_ones(jenkins: OfflineJenkins, http: httpx.AsyncClient) -> None:
    job = jenkins.add_job("folder/pipeline", gated(asyncio.Event()), quiet=5, concurrent=False)
    first, _ = jenkins.scheduler.schedule(job, {"a": "1"}, USER)
    waiting = sample("waitingitem")
    waiting["actions"][-1] = PARAMETERS
    waiting["actions"].append(sample("leftitem")["actions"][0])
    assert_like(await get(http, "/queue/item/1"), waiting)
    first.quiet_until = 0
    left = sample("leftitem")
    left["actions"].append(PARAMETERS)
    found = await get(http, "/queue/item/1")
    assert_like(found, left)
    assert (found["_class"], found["executable"]["number"]) == ("hudson.model.Queue$LeftItem", 1)
    second, _ = jenkins.scheduler.schedule(job, {"a": "2"}, USER)
    second.quiet_until = 0
    blocked = sample("blockeditem")
    blocked["actions"].append(PARAMETERS)
    found = await get(http, "/queue/item/2")
    assert_like(found, blocked)
    assert found["why"] == "Build #1 is already in progress (ETA: N/A)"
    found = await get(http, "/queue")
    assert_like({**found, "items": []}, sample("queue"))
    assert [item["id"] for item in found["items"]] == [2]


async def test_builds_and_jobs_are_like_recorded_ones(
    jenkins: OfflineJenkins, http: httpx.AsyncClient
) -> None:
    async def story(handle: BuildHandle) -> str:
        handle.publish({"works": None})
        return "SUCCESS"

    job = jenkins.add_job("folder/pipeline", story)
    jenkins.scheduler.schedule(job, dict.fromkeys(job.parameters or {}, "x"), USER)
    await http.get("/")
    found = await get(http, "/job/folder/job/pipeline/1")
    # Newer versions also report this: see hudson.model.Run#isInProgress.
    assert found.pop("inProgress") is found["building"]
    assert_like({**found, "artifacts": []}, sample("workflowrun"))
    recorded = sample("pipeline")
    found = await get(http, "/job/folder/job/pipeline")
    assert found["property"][0]["_class"] == "hudson.model.ParametersDefinitionProperty"
    assert_like({**found, "property": [], "builds": [], "lastBuild": None}, recorded)
    assert_like(await get(http, "/job/folder"), sample("folder"))
    assert_like(await get(http, ""), {**sample("jenkins"), "url": ""})
    await http.get("/")
    assert_like(await get(http, "/job/folder/job/pipeline/1/testReport"), sample("test_report"))


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("waitingitem", responses.QueueItem(668, "In the quiet period. Expires in 4.6 sec")),
        ("blockeditem", responses.QueueItem(669, "Build #168 is already in progress (ETA:N/A)")),
        ("buildableitem", responses.QueueItem(668, "There are no nodes with the label ‘xxxx’")),
        ("leftitem", responses.QueueItem(599, build=54)),
    ],
)
def test_recorded_queue_items_are_read(name: str, item: responses.QueueItem) -> None:
    assert responses.item(sample(name)) == item


def test_recorded_builds_are_read() -> None:
    assert responses.build(sample("workflowrun")) == responses.JenkinsBuild(
        52, building=False, result="FAILURE", started=1559281453.24
    )
    assert responses.build(sample("freestylebuild")).over
    assert responses.key_of(sample("freestylebuild")) == ""
    assert responses.job(sample("pipeline")).buildable


def test_unexpected_structures_are_read_as_empty() -> None:
    assert responses.item({"id": True, "executable": 7}) == responses.QueueItem(0)
    assert responses.build({"number": "7", "timestamp": None}) == responses.JenkinsBuild(
        0, building=False, result="", started=0.0
    )
    assert responses.job({"builds": "none", "property": [1, {"parameterDefinitions": [{}]}]}).builds == {}
    assert responses.queued({"items": {}}, "k") is None
    assert responses.artifacts(b'{"artifacts": [{"fileName": "x"}]}', "", ["**"], 9) == ("",)
    assert responses.artifacts(b"[]", "", ["**"], 9) == ()


def served(console: ConsoleLog, start: int = 0) -> tuple[bytes, int, bool]:
    log_range = console.log_range(start)
    return b"".join(console.rendered(log_range)), log_range.end, log_range.more


def test_the_console_counts_raw_bytes_and_serves_crlf() -> None:
    console = ConsoleLog()
    console.write("one\ntwo\r\nhalf")
    assert served(console) == (b"one\r\ntwo\r\n", 9, True)
    assert served(console, 9) == (b"", 9, True)
    console.write(" a line\n")
    assert served(console, 9) == (b"half a line\r\n", 21, True)
    console.complete = True
    assert served(console, 21) == (b"", 21, False)


def test_a_finished_console_is_served_completely() -> None:
    console = ConsoleLog(complete=True)
    console.write("no line break")
    assert served(console) == (b"no line break", 13, False)


def test_an_offset_beyond_the_end_starts_from_the_beginning() -> None:
    console = ConsoleLog(complete=True)
    console.write("short\n")
    assert served(console, 100) == (b"short\r\n", 6, False)


def test_a_missing_console_always_announces_more_data() -> None:
    console = ConsoleLog(complete=True)
    console.write("gone\n")
    console.discard()
    assert served(console, 5) == (b"", 0, True)


def test_long_consoles_are_served_from_anywhere() -> None:
    console = ConsoleLog(complete=True)
    console.write("begin\n")
    console.write("0123456\r\n", times=100_000)
    body, end, _ = served(console, 6 + 9 * 99_999 - 2)
    assert (body, end) == (b"\r\n0123456\r\n", 900_006)
    body, end, _ = served(console)
    assert (len(body), body.count(b"\n")) == (900_007, 100_001)


@pytest.mark.parametrize(
    ("wanted", "picked"),
    [
        ("", {"_class": "j", "name": "a", "builds": [{"_class": "b", "n": 1, "x": {"y": 2}}, {"n": 2}]}),
        ("name", {"_class": "j", "name": "a"}),
        ("builds[n]{0,1}", {"_class": "j", "builds": [{"_class": "b", "n": 1}]}),
        ("builds[n]{1,}", {"_class": "j", "builds": [{"n": 2}]}),
        ("builds[x[y]],name", {"_class": "j", "builds": [{"_class": "b", "x": {"y": 2}}, {}], "name": "a"}),
        ("builds[*]{0,1}", {"_class": "j", "builds": [{"_class": "b", "n": 1, "x": {"y": 2}}]}),
    ],
)
def test_the_tree_parameter_selects_fields(wanted: str, picked: Any) -> None:
    value = {"_class": "j", "name": "a", "builds": [{"_class": "b", "n": 1, "x": {"y": 2}}, {"n": 2}]}
    assert tree.parse(wanted).pick(value) == picked


@pytest.mark.parametrize("wanted", ["a[", "a&b", "a]"])
async def test_an_invalid_tree_parameter_is_a_bad_request(http: httpx.AsyncClient, wanted: str) -> None:
    assert (await http.get("/api/json", params={"tree": wanted})).status_code == 400


async def test_equal_starts_are_one_queue_item(jenkins: OfflineJenkins, http: httpx.AsyncClient) -> None:
    jenkins.add_job("a", quiet=5)
    answers = [await http.post("/job/a/buildWithParameters", data={"CHATOPS_RUN": "1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 303]
    assert len({answer.headers["Location"] for answer in answers}) == 1


async def test_only_newest_builds_are_kept(jenkins: OfflineJenkins, http: httpx.AsyncClient) -> None:
    job = jenkins.add_job("a", kept_builds=2)
    for number in range(4):
        await http.post("/job/a/buildWithParameters", data={"CHATOPS_RUN": str(number)})
        await http.get("/")
    assert sorted(job.builds) == [3, 4]


async def test_a_broken_story_is_a_failure(jenkins: OfflineJenkins, http: httpx.AsyncClient) -> None:
    async def story(_hand: BuildHandle) -> str:
        raise RuntimeError

    job = jenkins.add_job("a", story)
    await http.post("/job/a/buildWithParameters")
    await asyncio.gather(*(build.task for build in job.builds.values() if build.task))
    assert job.builds[1].result == "FAILURE"


async def test_a_missing_page_is_an_html_error(http: httpx.AsyncClient, jenkins: OfflineJenkins) -> None:
    jenkins.add_job("a")
    paths = ("/job/none", "/job/a/7/api/json", "/queue/item/9/api/json", "/job/a/nothing", "/nothing")
    for path in paths:
        answer = await http.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    for path in ("/job/none/build", "/queue/cancelItem?id=9", "/job/a/7/stop"):
        assert (await http.post(path)).status_code == 404
    assert (await get(http, "/whoAmI"))["name"] == USER


async def test_anonymous_access_can_be_enabled(jenkins: OfflineJenkins) -> None:
    async def story(handle: BuildHandle) -> str:
        handle.log("<script>alert(1)</script>")
        return "SUCCESS"

    job = jenkins.add_job("folder/a", story)
    jenkins.scheduler.schedule(job, {"branch": "<b>"}, USER)
    async with httpx.AsyncClient(base_url=jenkins.url, timeout=PATIENCE) as anybody:
        assert (await anybody.get("/job/folder/job/a/")).status_code == 403
        jenkins.access.anyone_reads = True
        assert 'href="/job/folder/job/a/"' in (await anybody.get("/")).text
        assert 'href="1/"' in (await anybody.get("/job/folder/job/a/")).text
        page = (await anybody.get("/job/folder/job/a/1/")).text
        assert "&lt;script&gt;" in page
        assert "<script>" not in page
        assert (await anybody.post("/job/folder/job/a/build")).status_code == 403
