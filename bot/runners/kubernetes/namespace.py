"""Namespaces of environments: created with their guardrails, found by labels, deleted as a whole."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from bot.core import naming
from bot.core.environments import public
from bot.core.reconciling.ownership import moment
from bot.core.runs.fencing import holder_of, may_remove
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import Overtaken
from bot.model.forge import RepoPath
from bot.model.holder import Holder
from bot.model.inventory import Item, ItemKind
from bot.model.reason import Reason
from bot.runners.kubernetes.cluster import MERGE, Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.guardrails import NamespaceOwner, guardrails
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure import cluster_labels, slots
from bot.runners.kubernetes.pure.cluster_labels import labels_of
from bot.runners.kubernetes.pure.entry_service import APP
from bot.runners.kubernetes.pure.manifests import SERVICE
from bot.runners.kubernetes.pure.slots import Place, Slot

GONE_AFTER = 180.0
ATTEMPTS = 10
"""Attempts to change a namespace that controllers change at the same time."""
NAMESPACES = "/api/v1/namespaces"


class Namespaces:
    """Creates, finds and deletes the namespaces of one bot."""

    def __init__(self, cluster: Cluster, options: KubernetesOptions) -> None:
        self._cluster = cluster
        self._options = options

    def names(self, key: EnvironmentKey) -> tuple[str, str]:
        """Return the names of an environment's two namespaces, which need not exist."""
        prefix, instance = self._options.prefix, self._options.instance
        first, second = (naming.namespace(key, prefix, instance, second=second) for second in (False, True))
        return first, second

    async def of(self, key: EnvironmentKey) -> Sequence[Slot]:
        """Return the environment's namespaces of this bot that are not terminating."""
        each = await asyncio.gather(*(self._cluster.get(f"{NAMESPACES}/{name}") for name in self.names(key)))
        return [_slot(one) for one in each if one and self._ours(one, key) and not _terminating(one)]

    async def present(self, key: EnvironmentKey) -> Slot | None:
        """Return the namespace whose deployment took over last, or that was made for tests alone."""
        return slots.present(await self.of(key))

    async def place(self, key: EnvironmentKey, holder: Holder, beside: Holder | None = None) -> Place:
        """Return where a holder deploys; see `slots.place`.

        Raises Overtaken if a later run or attempt has deployed.
        """
        found = await self.of(key)
        if newer := [one.name for one in found if not may_remove(one.labels, holder)]:
            items = [item for item in await self.all_of_instance() if item.id in newer]
            raise Overtaken(Reason.CLUSTER_UNAVAILABLE, items)
        return slots.place(self.names(key), found, beside)

    async def ensure(self, name: str, owner: NamespaceOwner) -> None:
        """Create or update a namespace of an environment and its guardrails.

        Raises ClusterUnavailable if a terminating one does not go away, ClusterRefused if others own it, and
        Overtaken if a later run or attempt does.
        """
        for _ in range(ATTEMPTS):
            found = await self._cluster.get(f"{NAMESPACES}/{name}")
            if found is not None and not self._ours(found, owner.key):
                raise ClusterRefused(f"namespace {name} exists and is not of this bot", HTTPStatus.CONFLICT)
            if found is not None and _terminating(found):
                await self._until_gone(name)
                found = None
            if found is not None and not may_remove(labels_of(found), holder_of(owner.labels)):
                raise Overtaken(Reason.CLUSTER_UNAVAILABLE, filter(None, [_item(found)]))
            if await self._write(name, owner, found):
                break
        else:
            raise _changes(name)
        for kind, body in guardrails(owner, self._options):
            await self._cluster.apply(kind, name, body)

    async def remove(self, key: EnvironmentKey, holder: Holder, spared: Collection[str] = ()) -> None:
        """Delete the namespaces with all their objects and wait until they are gone."""
        names = [name for name in self.names(key) if name not in spared]
        deleted = [name for name in names if await self.request_deletion(name, key, holder)]
        for name in deleted:
            await self._until_gone(name)

    async def request_deletion(self, name: str, key: EnvironmentKey, holder: Holder) -> bool:
        """Delete a namespace without waiting for its end.

        False if it lacks the environment's labels, or is newer than the holder.
        """
        path = f"{NAMESPACES}/{name}"
        for _ in range(ATTEMPTS):
            found = await self._cluster.get(path)
            if found is None or not self._ours(found, key) or not may_remove(labels_of(found), holder):
                return False
            if _terminating(found) or await self._cluster.delete(path, preconditions=_unchanged(found)):
                return True
        raise _changes(name)

    async def all_of_instance(self) -> tuple[Item, ...]:
        """Return every namespace of this bot that is not terminating."""
        return await of_instance(self._cluster, self._options.instance)

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        """Update the expiry annotation, unless the namespace no longer carries our labels."""
        found = await self._cluster.get(f"{NAMESPACES}/{item.id}")
        if found is not None and self._ours(found, item.key) and not _terminating(found):
            await self._annotate(item.id, cluster_labels.ending(expires))

    async def renew_ownership(self, items: Sequence[Item], store: str, until: datetime) -> None:
        """Write into these namespaces until when the bot with this store owns them; skip missing ones."""
        for item in items:
            try:
                await self._annotate(item.id, cluster_labels.owned(store, until))
            except ClusterRefused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise

    async def endpoint(self, key: EnvironmentKey) -> Endpoint | None:
        """Return where the environment's service answers, None if it has none."""
        found = await self.present(key)
        if found is None:
            return None
        notes = found.annotations
        name, port = cluster_labels.entry(notes.get(cluster_labels.ANNOTATION_ENTRY, "")) or (APP, 0)
        services = {
            one.name: await self._service(found.name, one.name, one.port)
            for one in public.read(notes.get(naming.LABEL_PUBLIC, ""))
        }
        entry = await self._service(found.name, name, port)
        return entry and replace(entry, services={name: one for name, one in services.items() if one})

    async def _service(self, namespace: str, name: str, port: int) -> Endpoint | None:
        """Return the address of a Service with this port, or with any for 0; None if there is none."""
        spec = (await self._cluster.get(SERVICE.path(namespace, name)) or {}).get("spec") or {}
        address, ports = str(spec.get("clusterIP", "")), [int(one["port"]) for one in spec.get("ports") or ()]
        port = port or next(iter(ports), 0)
        return Endpoint(address, port) if port in ports and address not in {"", "None"} else None

    async def _annotate(self, name: str, annotations: Mapping[str, str]) -> None:
        body = {"metadata": {"annotations": dict(annotations)}}
        await self._cluster.call("PATCH", f"{NAMESPACES}/{name}", body=body, content=MERGE)

    async def _write(self, name: str, owner: NamespaceOwner, found: Mapping[str, Any] | None) -> bool:
        """Create the namespace, or update it as it was found; False if it has changed in between."""
        metadata: dict[str, Any] = {
            "name": name,
            "labels": {**owner.labels, **cluster_labels.pod_security(self._options.level)},
            "annotations": cluster_labels.annotations(
                owner.key,
                owner=owner.login,
                expires=owner.expires,
                host=owner.host,
                entry=owner.entry,
                services=owner.public,
            ),
        }
        try:
            if found is None:
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
                await self._cluster.call("POST", NAMESPACES, body=body)
            else:
                # One that was made for tests alone becomes that of an environment.
                gone = dict.fromkeys((cluster_labels.LABEL_ROLE, naming.LABEL_DATA))
                kept = {**gone, **metadata["labels"]}
                version = found["metadata"]["resourceVersion"]
                body = {"metadata": {**metadata, "labels": kept, "resourceVersion": version}}
                await self._cluster.call("PATCH", f"{NAMESPACES}/{name}", body=body, content=MERGE)
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    async def _until_gone(self, name: str) -> None:
        async def gone() -> bool:
            return await self._cluster.get(f"{NAMESPACES}/{name}") is None

        try:
            await until(GONE_AFTER, gone)
        except TimeoutError:
            raise ClusterUnavailable(
                f"namespace {name} is still terminating after {GONE_AFTER:g} s"
            ) from None

    def _ours(self, found: Mapping[str, Any], key: EnvironmentKey) -> bool:
        wanted = cluster_labels.of_environment(self._options.instance, key)
        return wanted.items() <= labels_of(found).items()


async def of_instance(cluster: Cluster, instance: str) -> tuple[Item, ...]:
    """Return every namespace with this instance that is not terminating."""
    found = await cluster.list(NAMESPACES, cluster_labels.of_instance(instance))
    items = (_item(one) for one in found if not _terminating(one))
    return tuple(item for item in items if item is not None)


def _slot(found: Mapping[str, Any]) -> Slot:
    metadata = found["metadata"]
    return Slot(metadata["name"], labels_of(found), metadata.get("annotations") or {})


def _item(found: Mapping[str, Any]) -> Item | None:
    """Read a namespace; None if its labels and annotations do not name a pull request."""
    metadata = found["metadata"]
    labels, notes = labels_of(found), metadata.get("annotations") or {}
    number, holder = naming.labeled_number(labels, naming.LABEL_NUMBER), holder_of(labels)
    try:
        repo = RepoPath.parse(notes.get(naming.LABEL_REPO, ""))
        made_at = datetime.fromisoformat(metadata["creationTimestamp"]).astimezone(UTC)
    except ValueError:
        return None
    if not number:
        return None
    return Item(
        kind=ItemKind.NAMESPACE,
        id=metadata["name"],
        name=metadata["name"],
        repo=repo,
        number=number,
        environment=notes.get(naming.LABEL_ENVIRONMENT, ""),
        run=holder.run,
        made_at=made_at,
        expires=moment(notes.get(naming.LABEL_EXPIRES, "")),
        attempt=holder.attempt,
        store=holder.store,
        sha=labels.get(naming.LABEL_SHA, ""),
        host=notes.get(naming.LABEL_HOST, ""),
        public=public.read(notes.get(naming.LABEL_PUBLIC, "")),
        owned_by=notes.get(naming.LABEL_OWNED_BY, ""),
        owned_until=moment(notes.get(naming.LABEL_OWNED_UNTIL, "")),
        keeps_data=naming.LABEL_DATA in labels,
        starting=_slot(found).starting,
    )


def _unchanged(found: Mapping[str, Any]) -> dict[str, str]:
    return {part: found["metadata"][part] for part in ("uid", "resourceVersion")}


def _changes(name: str) -> ClusterUnavailable:
    return ClusterUnavailable(f"namespace {name} was changed {ATTEMPTS} times between reading and writing it")


def _terminating(found: Mapping[str, Any]) -> bool:
    return bool(found["metadata"].get("deletionTimestamp"))
