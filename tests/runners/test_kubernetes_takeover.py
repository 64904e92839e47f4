"""How the routes of a new deployment replace those of the present one."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.core import naming
from bot.model.errors import TellUser
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


def rollout(cluster: Cluster, log: FakeLog) -> Rollout:
    charts: Any = None
    return Rollout(environment_of(), "new", cluster, charts, KubernetesOptions("bot"), LABELS, LogWriter(log))


@pytest.mark.parametrize(
    ("admitted", "expected"),
    [
        (lambda asked: True, ["PATCH new/app"]),
        (lambda asked: "DELETE old/app" in asked, ["PATCH new/app", "DELETE old/app", "PATCH new/app"]),
        (lambda asked: False, ["PATCH new/app", "DELETE old/app", "PATCH new/app"]),
    ],
    ids=["at once", "a host only once", "never"],
)
async def test_the_former_one_loses_its_routes_first_only_if_it_must(
    tmp_path: Path, admitted: Any, expected: list[str]
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            assert request.path == INGRESS.path("old")
            return web.json_response({"items": [{"metadata": {"name": "app"}}]})
        [namespace] = [one for one in ("old", "new") if f"/{one}/" in request.path]
        asked.append(f"{request.method} {namespace}/{request.path.rpartition('/')[2]}")
        if request.method == "PATCH" and not admitted(asked):
            return web.json_response({"message": TAKEN, "code": 400}, status=400)
        return web.json_response({})

    async with serving(answer, tmp_path) as cluster:
        taking = rollout(cluster, FakeLog())._take_over([ROUTE], "old")
        if admitted([*expected]):
            await taking
        else:
            with pytest.raises(TellUser, match="already defined"):
                await taking
    assert asked == expected
