"""How the routes of a new deployment replace those of the present one."""

import copy
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
from bot.runners.kubernetes.options import KubernetesOptions, Routing
from bot.runners.kubernetes.pure.manifests import INGRESS, Manifest
from bot.runners.kubernetes.rollout import Rollout
from bot.runners.kubernetes.routes import ANNOTATION_CLASS as CLASS
from bot.runners.kubernetes.routes import ANNOTATION_FORMER, SUSPENDED, Routes
from bot.runners.lines import LogWriter
from tests.fakes.log import FakeLog
from tests.runners.kubernetes_samples import KEY, environment_of
from tests.runners.test_kubernetes_cluster import serving

ROUTE = Manifest(INGRESS.api_version, INGRESS.name, "app", {"metadata": {"name": "app"}, "spec": {}})
LABELS = naming.labels(KEY, sha="a" * 40, run=8)
TAKEN = 'admission webhook "validate.nginx.ingress.kubernetes.io" denied the request: host is already defined'


def rollout(cluster: Cluster) -> Rollout:
    charts: Any = None
    spec, log = environment_of(beside=Holder(7, LAST)), LogWriter(FakeLog())
    options = KubernetesOptions("bot", routing=Routing(ingress_class="nginx"))
    return Rollout(spec, "new", cluster, charts, options, LABELS, log)


class Controller:
    """A cluster whose controller admits routes by what was asked before."""

    def __init__(self, admits: Callable[[list[str]], bool]) -> None:
        self.admits = admits
        self.asked: list[str] = []
        self.classes = {"old": "nginx", "new": ""}
        self.saved: dict[str, str | None] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        [namespace] = [one for one in ("old", "new") if f"/{one}/" in request.path]
        if request.method == "GET":
            run = {"old": "7", "new": "8"}[namespace]
            assert (
                request.query.get("labelSelector", f"{naming.LABEL_RUN}={run}") == f"{naming.LABEL_RUN}={run}"
            )
            metadata = {"name": "app", "annotations": {ANNOTATION_FORMER: self.saved.get(namespace)}}
            item = {"metadata": metadata, "spec": {"ingressClassName": self.classes[namespace]}}
            return web.json_response({"items": [item] if self.classes[namespace] else []})
        body = json.loads(await request.text())
        if "apply" in request.content_type:
            self.asked.append(f"apply {namespace}")
            if not self.admits(self.asked):
                return web.json_response({"message": TAKEN, "code": 400}, status=400)
            self.classes[namespace] = "nginx"
        else:
            self.classes[namespace] = body["spec"]["ingressClassName"]
            self.asked.append(f"{namespace} is {self.classes[namespace]}")
            self.saved |= {namespace: body["metadata"]["annotations"][ANNOTATION_FORMER]}
        return web.json_response({})


NEW, OLD = "apply new", f"old is {SUSPENDED}"


@pytest.mark.parametrize(
    ("admits", "expected"),
    [
        (lambda asked: True, [NEW, OLD]),
        (lambda asked: OLD in asked, [NEW, OLD, NEW]),
        (lambda asked: asked.count(NEW) == 3, [NEW, OLD, NEW, NEW]),
    ],
    ids=["at once", "a host only once", "a moment later"],
)
async def test_only_the_new_one_is_visited(
    tmp_path: Path, admits: Callable[[list[str]], bool], expected: list[str]
) -> None:
    controller = Controller(admits)
    async with serving(controller.answer, tmp_path) as cluster, rollout(cluster)._taking_over([ROUTE], "old"):
        assert controller.asked == expected
    assert controller.asked == expected


@pytest.mark.parametrize("refuses", [True, False], ids=["is refused", "does not answer"])
async def test_the_former_one_is_visited_again_if_the_new_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refuses: bool
) -> None:
    monkeypatch.setattr("bot.runners.kubernetes.applying.FORGOTTEN_AFTER", 0)
    controller = Controller(lambda asked: not refuses)
    async with serving(controller.answer, tmp_path) as cluster:
        with pytest.raises(TellUser, match="already defined" if refuses else "unanswered"):
            async with rollout(cluster)._taking_over([ROUTE], "old"):
                raise TellUser(Reason.URL_UNANSWERED, {"message": "unanswered"})
    assert controller.classes == {"old": "nginx", "new": "" if refuses else SUSPENDED}


@pytest.mark.parametrize("had", [("nginx", None), (None, "traefik"), (None, None)])
async def test_the_class_that_it_had_comes_back(tmp_path: Path, had: tuple[str | None, str | None]) -> None:
    name, annotation = had
    metadata: dict[str, Any] = {"name": "app", "annotations": {CLASS: annotation, "other": "kept"}}
    ingress: dict[str, Any] = {"metadata": metadata, "spec": {"ingressClassName": name}}
    before = copy.deepcopy(ingress)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"items": [ingress]})
        body = json.loads(await request.text())
        ingress["metadata"]["annotations"].update(body["metadata"]["annotations"])
        ingress["spec"].update(body["spec"])
        return web.json_response({})

    async with serving(answer, tmp_path) as cluster:
        for _ in range(2):  # The next attempt does it again.
            await Routes(cluster).suspend("old", 7)
            assert ingress["spec"]["ingressClassName"] == SUSPENDED
            assert ingress["metadata"]["annotations"][CLASS] is None
        await Routes(cluster).resume("old")
        await Routes(cluster).resume("old")

    ingress["metadata"]["annotations"].pop(ANNOTATION_FORMER)
    assert ingress == before
