"""Errors that a real cluster does not produce on demand; tests/cluster uses a real one."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.doctor import kubernetes
from bot.doctor.findings import DoctorOptions, Finding, State
from bot.settings.model import KubernetesSettings, ServerSettings, Settings
from bot.store.records import Store
from tests.real.ports import free_port


@dataclass
class ApiServer:
    """A fake API server for the doctor."""

    refused: set[tuple[str, str]] = field(default_factory=set)
    """Denied resources with their verbs."""
    reviews: set[tuple[str, str, str]] = field(default_factory=set)
    classes: int = 404
    """HTTP status for the IngressClass."""
    dns: int = 2
    """Number of DNS servers."""
    environments: list[dict[str, Any]] = field(default_factory=list)
    """Namespaces of environments."""
    port: int = 0

    async def version(self, _request: web.Request) -> web.Response:
        return web.json_response({"gitVersion": "v1.29.3"})

    async def review(self, request: web.Request) -> web.Response:
        body = await request.json()
        given = body["spec"]["resourceAttributes"]
        assert (body["kind"], body["apiVersion"]) == ("SelfSubjectAccessReview", "authorization.k8s.io/v1")
        resource = "/".join(filter(None, (given["resource"], given.get("subresource"))))
        self.reviews.add((given["group"], resource, given["verb"]))
        allowed = (resource, given["verb"]) not in self.refused
        return web.json_response({**body, "status": {"allowed": allowed}}, status=201)

    async def ingress_class(self, _request: web.Request) -> web.Response:
        return web.json_response({"kind": "IngressClass"}, status=self.classes)

    async def namespaces(self, request: web.Request) -> web.Response:
        if request.query["labelSelector"] == "chatops.instance=chatops":
            return web.json_response({"items": self.environments})
        assert request.query["labelSelector"] == "kubernetes.io/metadata.name=kube-system"
        return web.json_response({"items": [{"metadata": {"name": "kube-system"}}]})

    async def pods(self, request: web.Request) -> web.Response:
        assert request.query["labelSelector"] == "k8s-app=kube-dns"
        return web.json_response({"items": [{}] * self.dns}, status=200 if self.dns >= 0 else 403)


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    server, app = ApiServer(), web.Application()
    app.router.add_get("/version", server.version)
    app.router.add_post(kubernetes.REVIEWS, server.review)
    app.router.add_get("/apis/networking.k8s.io/v1/ingressclasses/nginx", server.ingress_class)
    app.router.add_get("/api/v1/namespaces", server.namespaces)
    app.router.add_get("/api/v1/namespaces/kube-system/pods", server.pods)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


async def check(folder: Path, port: int, ingress_class: str = "") -> list[Finding]:
    file = folder / "kubeconfig"
    named = {"name": "test"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{**named, "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{**named, "user": {"token": "t"}}],
        "contexts": [{**named, "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    file.write_text(json.dumps(config))
    chosen = KubernetesSettings(enabled=True, kubeconfig=file, ingress_class=ingress_class)
    settings = Settings(server=ServerSettings(data_dir=folder), kubernetes=chosen)
    return list(await kubernetes.check(DoctorOptions(settings)))


async def test_a_cluster_with_all_permissions_passes(server: ApiServer, tmp_path: Path) -> None:
    found = await check(tmp_path, server.port)

    assert [one.state for one in found] == [State.FINE, State.FINE, State.FINE]
    assert found[0].found.en == "Kubernetes v1.29.3"
    assert ("", "pods/log", "get") in server.reviews
    assert ("apps", "deployments", "patch") in server.reviews


async def test_missing_permissions_are_listed_together(server: ApiServer, tmp_path: Path) -> None:
    server.refused = {("namespaces", "create"), ("namespaces", "delete"), ("jobs", "create")}

    _, rights, _ = await check(tmp_path, server.port)

    assert rights.state is State.WRONG
    assert rights.found.en == "the account lacks permissions: create/delete namespaces, create jobs"


@pytest.mark.parametrize(("status", "state"), [(200, State.FINE), (404, State.WRONG), (403, State.NOTE)])
async def test_a_configured_ingress_class_must_exist(
    server: ApiServer, tmp_path: Path, status: int, state: State
) -> None:
    server.classes = status

    assert (await check(tmp_path, server.port, "nginx"))[2].state is state


@pytest.mark.parametrize(("servers", "state"), [(1, State.FINE), (0, State.NOTE), (-1, State.NOTE)])
async def test_the_dns_servers_that_environments_may_ask_are_counted(
    server: ApiServer, tmp_path: Path, servers: int, state: State
) -> None:
    server.dns = servers

    *_, dns = await check(tmp_path, server.port)

    assert dns.state is state
    assert (dns.advice is not None) == (state is State.NOTE)


async def test_another_bot_with_the_same_instance_is_reported(server: ApiServer, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(minutes=9)
    server.environments = [
        {
            "metadata": {
                "name": f"pr-{number}-shop",
                "creationTimestamp": "2026-03-01T12:00:00Z",
                "labels": {"chatops.number": str(number), "chatops.store": store},
                "annotations": {
                    "chatops.repo": "team/shop",
                    "chatops.environment": "preview",
                    "chatops.owned-by": store,
                    "chatops.owned-until": (until - late).isoformat(),
                },
            }
        }
        for number, store, late in (
            (1, "other456", timedelta()),
            (2, "gone4567", timedelta(hours=1)),
            (3, "other456", timedelta(minutes=1)),
        )
    ]
    *_, other = await check(tmp_path, server.port)
    assert other.state is State.NOTE
    assert f"its store is other456, it owns environments until {until:%H:%M} UTC" in other.found.en
    assert other.advice is not None
    assert "[kubernetes] instance" in other.advice.en

    store = await Store.open(f"sqlite:///{tmp_path}/chatops.db")
    mine = (await store.identities.current()).id
    await store.close()
    for one in server.environments:
        one["metadata"]["annotations"]["chatops.owned-by"] = mine
    assert State.NOTE not in {one.state for one in await check(tmp_path, server.port)}


async def test_an_unavailable_cluster_is_reported(tmp_path: Path) -> None:
    [found] = await check(tmp_path, free_port())

    assert found.state is State.WRONG
    assert found.found.en.startswith("the cluster does not respond: ")


async def test_outside_a_cluster_a_kubeconfig_is_required() -> None:
    [found] = await kubernetes.check(DoctorOptions(Settings(kubernetes=KubernetesSettings(enabled=True))))

    assert found.state is State.WRONG
    assert found.advice is not None
    assert "kubeconfig" in found.advice.en
