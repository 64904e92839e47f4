"""Feeds the cluster's ingress (Caddy) and name server (dnsmasq) from watches on Ingresses and Services.

addons.py KUBECONFIG FOLDER ADDRESS: runs until SIGTERM. Both servers run already, with the files in FOLDER.
"""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster.local.routes import CLASS, caddy_routes, hosts_file
from tests.cluster.local.watching import PAUSE, Object, Watched, session

INGRESSES, SERVICES = "/apis/networking.k8s.io/v1/ingresses", "/api/v1/services"
INGRESS_CLASS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": CLASS, "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
    "spec": {"controller": "dev.gitee-chatops/test-ingress"},
}


@dataclass(frozen=True, slots=True)
class Folder:
    """The files that this program shares with the two servers."""

    path: Path

    @property
    def hosts(self) -> Path:
        """Names for dnsmasq, which reloads them on SIGHUP."""
        return self.path / "hosts"

    @property
    def dns_pid(self) -> Path:
        """The PID file of dnsmasq."""
        return self.path / "name-server.pid"

    @property
    def caddy_socket(self) -> Path:
        """The socket of Caddy's admin API."""
        return self.path / "caddy.sock"

    @property
    def caddy_config(self) -> Path:
        """The configuration that Caddy starts with."""
        return self.path / "caddy.json"


def caddy_start(folder: Folder, address: str) -> Object:
    """Return a configuration of Caddy without routes."""
    server: dict[str, Any] = {"listen": [f"{address}:80"], "automatic_https": {"disable": True}, "routes": []}
    admin = {
        "listen": f"unix/{folder.caddy_socket}",
        "origins": ["localhost"],
        "config": {"persist": False},
    }
    return {"admin": admin, "apps": {"http": {"servers": {"ingress": server}}}}


class Addons:
    """The two watches, and the configuration derived from them."""

    def __init__(self, api: aiohttp.ClientSession, folder: Folder, address: str) -> None:
        self._api, self._folder, self._address = api, folder, address
        self._changed = asyncio.Event()
        self._ingresses = Watched(INGRESSES, self._changed)
        self._services = Watched(SERVICES, self._changed)

    async def run(self) -> None:
        """Feed both servers until cancelled."""
        with contextlib.suppress(aiohttp.ClientResponseError):  # it exists already
            await self._api.post("/apis/networking.k8s.io/v1/ingressclasses", json=INGRESS_CLASS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ingresses.follow(self._api))
            tasks.create_task(self._services.follow(self._api))
            tasks.create_task(self._feed())

    async def _feed(self) -> None:
        connector = aiohttp.UnixConnector(str(self._folder.caddy_socket))
        async with aiohttp.ClientSession("http://localhost", connector=connector) as caddy:
            while True:
                await self._changed.wait()
                self._changed.clear()
                self._name_services()
                await self._write_addresses()
                if not await self._route(caddy):
                    # Perhaps nothing changes any more: try again instead of waiting for it.
                    await asyncio.sleep(PAUSE)
                    self._changed.set()

    def _name_services(self) -> None:
        # Atomically: the name server may be reading the previous version.
        fresh = self._folder.hosts.with_suffix(".new")
        fresh.write_text(hosts_file(self._services.objects.values()))
        fresh.replace(self._folder.hosts)
        os.kill(int(self._folder.dns_pid.read_text()), signal.SIGHUP)

    async def _route(self, caddy: aiohttp.ClientSession) -> bool:
        """Give Caddy the current routes; return whether it took them."""
        routes = caddy_routes(self._ingresses.objects.values(), self._services.objects.values())
        try:
            async with caddy.patch("/config/apps/http/servers/ingress/routes", json=routes) as answer:
                if not answer.ok:
                    print(await answer.text(), flush=True)
                return answer.ok
        except aiohttp.ClientError as error:
            # With new routes, Caddy also starts its admin API anew, and closes the connections to it.
            print(f"Caddy: {error}", flush=True)
            return False

    async def _write_addresses(self) -> None:
        """Write the address into each Ingress's status, as controllers do."""
        status = {"status": {"loadBalancer": {"ingress": [{"ip": self._address}]}}}
        for ingress in list(self._ingresses.objects.values()):
            if ingress["spec"].get("ingressClassName") != CLASS or ingress["status"]["loadBalancer"]:
                continue
            namespace, name = ingress["metadata"]["namespace"], ingress["metadata"]["name"]
            path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}/status"
            headers = {"Content-Type": "application/merge-patch+json"}
            with contextlib.suppress(aiohttp.ClientError):  # deleted, or written at the next change
                async with self._api.patch(path, json=status, headers=headers):
                    pass


async def main(kubeconfig: str, folder: str, address: str) -> None:
    """Feed until SIGTERM."""
    async with session(Path(kubeconfig)) as api:
        feeding = asyncio.ensure_future(Addons(api, Folder(Path(folder)), address).run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, feeding.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await feeding


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
