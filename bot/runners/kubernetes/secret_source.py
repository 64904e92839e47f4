"""Reads the operator's secrets from Secrets of a cluster."""

import base64
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from bot.model.secrets import ClusterKey, SecretProblem
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused
from bot.runners.kubernetes.pure.manifests import SECRET


def reader(cluster: Cluster) -> Callable[[ClusterKey], Awaitable[bytes]]:
    """Return a function that reads keys of Secrets with the bot's own account."""

    async def read(key: ClusterKey) -> bytes:
        return await _read(cluster, key)

    return read


async def _read(cluster: Cluster, key: ClusterKey) -> bytes:
    where = f"the Secret {key.namespace}/{key.name}"
    try:
        found = await cluster.get(SECRET.path(key.namespace, key.name))
    except ClusterRefused as refused:
        if refused.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            right = f"the verb get on secrets, resourceNames [{key.name}], in the namespace {key.namespace}"
            raise SecretProblem(f"{where} may not be read for its key {key.key}; grant {right}") from None
        raise SecretProblem(f"{where} cannot be read: {refused.message}") from None
    if found is None:
        raise SecretProblem(f"{where} with the key {key.key} does not exist")
    data = found.get("data") or {}
    if key.key not in data:
        raise SecretProblem(f"{where} has no key {key.key}")
    return base64.b64decode(data[key.key])
