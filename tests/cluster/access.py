"""Access to a cluster as one identity: reads and changes objects, and waits for conditions."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, Configuration, CoreV1Api
from kubernetes.dynamic import DynamicClient, Resource
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError
from kubernetes.stream import stream

Object = dict[str, Any]
PATIENCE = 180.0
"""Seconds that anything may take on a busy machine, such as the deletion of a namespace with pods."""


@dataclass(frozen=True, slots=True)
class Access:
    """The API as one identity."""

    client: DynamicClient

    def kind(self, api_version: str, kind: str) -> Resource:
        """Return the resource of a kind, to get, list, create or delete objects."""
        found: Resource = self.client.resources.get(api_version=api_version, kind=kind)
        return found

    def create(self, item: Mapping[str, Any]) -> None:
        """Create an object of any kind."""
        namespace = item["metadata"].get("namespace")
        self._kind_of(item).create(body=item, namespace=namespace)

    def get(self, item: Mapping[str, Any]) -> Any:
        """Return the current state of an object."""
        return self._kind_of(item).get(item["metadata"]["name"], item["metadata"].get("namespace"))

    def exists(self, item: Mapping[str, Any]) -> bool:
        """Return whether an object exists."""
        with suppress(NotFoundError):
            return bool(self.get(item))
        return False

    def until(self, item: Mapping[str, Any], holds: Callable[[Any], object]) -> Any:
        """Return the object once a condition holds for it."""
        found: list[Any] = []

        def look() -> object:
            found[:] = [self.get(item)]
            return holds(found[0])

        wait_until(look, f"{item['kind']} {item['metadata']['name']}", lambda: found[0])
        return found[0]

    def log(self, item: Mapping[str, Any]) -> str:
        """Return the log of a pod's only container."""
        meta = item["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
        return str(self.client.request("get", path, serialize=False).data.decode())

    @contextmanager
    def running(self, item: Mapping[str, Any], container: str, *command: str) -> Iterator[None]:
        """Execute a command in a container while the block runs; the command may stop the container."""
        meta, ask = item["metadata"], CoreV1Api(self.client.client).connect_get_namespaced_pod_exec
        how = {"container": container, "command": [*command], "stderr": True, "_preload_content": False}
        with closing(stream(ask, meta["name"], meta["namespace"], **how)):
            yield

    def may(self, verb: str, group: str, resource: str) -> bool:
        """Return whether this identity may do something in all namespaces."""
        name, _, part = resource.partition("/")
        attributes = {"verb": verb, "group": group, "resource": name, "subresource": part}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        return bool(self._kind_of(review).create(body=review).status.allowed)

    def delete(self, item: Mapping[str, Any]) -> None:
        """Request an object's deletion, if it exists, without waiting for its end."""
        with suppress(NotFoundError, ConflictError):  # conflict: a namespace that terminates already
            self._kind_of(item).delete(item["metadata"]["name"], item["metadata"].get("namespace"))

    def until_gone(self, item: Mapping[str, Any]) -> None:
        """Wait until an object is gone."""
        wait_until(lambda: not self.exists(item), f"{item['kind']} {item['metadata']['name']} is gone")

    def remove(self, item: Mapping[str, Any]) -> None:
        """Delete an object, if it exists, and wait until it is gone."""
        self.delete(item)
        self.until_gone(item)

    def namespaces(self, label: str) -> list[Object]:
        """Return the namespaces with a label."""
        found = self.kind("v1", "Namespace").get(label_selector=label)
        return [named("v1", "Namespace", item.metadata.name) for item in found.items]

    def token(self, account: str, namespace: str) -> str:
        """Return a token of a service account, valid for a day; servers from 1.24 create none."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        spec = {"expirationSeconds": 24 * 3600}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return str(self.client.request("post", path, body=body).status.token)

    def as_bearer(self, token: str) -> str:
        """Return a kubeconfig for a token, on the same cluster."""
        seen = self.client.client.configuration
        authority = base64.b64encode(Path(seen.ssl_ca_cert).read_bytes()).decode()
        cluster = {"server": seen.host, "certificate-authority-data": authority}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "bearer"}}],
                "clusters": [{"name": "here", "cluster": cluster}],
                "users": [{"name": "bearer", "user": {"token": token}}],
            }
        )

    def _kind_of(self, item: Mapping[str, Any]) -> Resource:
        return self.kind(item["apiVersion"], item["kind"])


def wait_until(holds: Callable[[], object], what: str, found: Callable[[], object] = str) -> None:
    """Poll until a condition holds; after `PATIENCE` fail, with what was found instead."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, f"{what}: not within {PATIENCE:g} s; {found()}"
        time.sleep(0.1)


@contextmanager
def access(kubeconfig: Path, folder: Path) -> Iterator[Access]:
    """Connect with a kubeconfig; the folder caches the server's kinds."""
    found = Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call] # the library types its API alone
        str(kubeconfig), client_configuration=found, persist_config=False
    )
    cache = str(folder / f"{kubeconfig.name}.kinds")
    with ApiClient(found) as client:
        yield Access(DynamicClient(client, cache_file=cache))  # type: ignore[no-untyped-call] # as above


def named(api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
    """Return an object that consists of its name only."""
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **where}}
