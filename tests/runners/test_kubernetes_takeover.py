"""How the routes of a new deployment replace those of the present one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.core import naming
from bot.model.errors import TellUser
from bot.model.holder import LAST, Holder
from bot.model.reason import Reason
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.pure.manifests import INGRESS, Manifest
from bot.runners.kubernetes.rollout import Rollout
from bot.runners.lines import LogWriter
from tests.fakes.log import FakeLog
from tests.runners.kubernetes_samples import KEY, environment_of
from tests.runners.test_kubernetes_cluster import serving

ROUTE = Manifest(INGRESS.api_version, INGRESS.name, "app", {"metadata": {"name": "app"}, "spec": {}})
LABELS = naming.labels(KEY, sha="a" * 40, run=8)
TAKEN = 'admission webhook "validate.nginx.ingress.kubernetes.io" denied the request: host is already defined'


FORMER = {
    "metadata": {"name": "app", "uid": "u", "resourceVersion": "9", "labels": {naming.LABEL_RUN: "7"}},
    "spec": {"rules": [{"host": "pr-12-shop.example.com"}]},
    "status": {},
}


def rollout(cluster: Cluster) -> Rollout:
    charts: Any = None
    spec, log = environment_of(beside=Holder(7, LAST)), LogWriter(FakeLog())
    return Rollout(spec, "new", cluster, charts, KubernetesOptions("bot"), LABELS, log)


class Controller:
    """A cluster whose controller admits routes by what was asked before."""

    def __init__(self, admits: Callable[[list[str]], bool]) -> None:
        self.admits = admits
        self.asked: list[str] = []
        self.given_back: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        [namespace] = [one for one in ("old", "new") if f"/{one}/" in request.path]
        if request.method == "GET":
            run = {"old": "7", "new": "8"}[namespace]
            assert request.query["labelSelector"] == f"{naming.LABEL_RUN}={run}"
            return web.json_response({"items": [FORMER] if namespace == "old" else []})
        self.asked.append(f"{request.method} {namespace}/{request.path.rpartition('/')[2]}")
        if namespace == "old" and request.method == "PATCH":
            self.given_back.append(json.loads(await request.text()))
        elif request.method == "PATCH" and not self.admits(self.asked):
            return web.json_response({"message": TAKEN, "code": 400}, status=400)
        return web.json_response({})


NEW, OLD = "PATCH new/app", "DELETE old/app"


@pytest.mark.parametrize(
    ("admits", "expected"),
    [
        (lambda asked: True, [NEW]),
        (lambda asked: OLD in asked, [NEW, OLD, NEW]),
        (lambda asked: asked.count(NEW) == 3, [NEW, OLD, NEW, NEW]),
    ],
    ids=["at once", "a host only once", "a moment later"],
)
async def test_the_former_one_loses_its_routes_first_only_if_it_must(
    tmp_path: Path, admits: Callable[[list[str]], bool], expected: list[str]
) -> None:
    controller = Controller(admits)
    async with serving(controller.answer, tmp_path) as cluster, rollout(cluster)._taking_over([ROUTE], "old"):
        assert controller.asked == expected
    assert controller.asked == expected


@pytest.mark.parametrize("refuses", [True, False], ids=["is refused", "does not answer"])
async def test_the_former_one_gets_its_routes_back_if_the_new_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refuses: bool
) -> None:
    monkeypatch.setattr("bot.runners.kubernetes.applying.FORGOTTEN_AFTER", 0)
    controller = Controller(lambda asked: OLD in asked and not refuses)
    async with serving(controller.answer, tmp_path) as cluster:
        with pytest.raises(TellUser, match="already defined" if refuses else "unanswered"):
            async with rollout(cluster)._taking_over([ROUTE], "old"):
                raise TellUser(Reason.URL_UNANSWERED, {"message": "unanswered"})
    assert controller.asked[:2] == [NEW, OLD]
    assert controller.asked[-1] == "PATCH old/app"
    [body] = controller.given_back
    assert (body["apiVersion"], body["kind"], body["spec"]) == (
        INGRESS.api_version,
        INGRESS.name,
        FORMER["spec"],
    )
    assert body["metadata"]["labels"][naming.LABEL_RUN] == "7"
    assert {"uid", "resourceVersion"}.isdisjoint(body["metadata"])


async def test_routes_that_the_former_one_has_kept_are_left_alone(tmp_path: Path) -> None:
    controller = Controller(lambda asked: True)
    async with serving(controller.answer, tmp_path) as cluster:
        with pytest.raises(TellUser):
            async with rollout(cluster)._taking_over([ROUTE], "old"):
                raise TellUser(Reason.URL_UNANSWERED)
    assert controller.asked == [NEW]
