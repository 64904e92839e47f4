"""The claims of an environment whose data outlives its deployments."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.environments.kept_data import Origin, origin, trust_label
from bot.core.naming import LABEL_DATA
from bot.core.runs.fencing import may_remove, same_run
from bot.model.errors import TellUser
from bot.model.holder import Holder
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec
from bot.runners.kubernetes import applying
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure import part_claims
from bot.runners.kubernetes.pure.cluster_labels import LABEL_ROLE, labels_of
from bot.runners.kubernetes.pure.manifests import CLAIM
from bot.runners.lines import LogWriter

GONE_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class KeptClaims:
    """Those of one namespace."""

    cluster: Cluster
    namespace: str

    async def prepared(
        self,
        spec: EnvironmentSpec,
        size: str,
        labels: Mapping[str, str],
        clear: Callable[[], Awaitable[None]],
        writer: LogWriter,
    ) -> bool:
        """Create the claims that a deployment keeps, unless it may use what is there; remove all others.

        `clear` removes the pods that use them. Returns whether nothing is from an earlier deployment. Raises
        TellUser(NO_STORAGE_CLASS | QUOTA_EXCEEDED).
        """
        there, wanted, trust = await self._all(), part_claims.folders(spec), trust_label(trusted=spec.trusted)
        found = {
            name: origin(there.get(name), {**labels, LABEL_DATA: trust}, renew=spec.renews_data)
            for name in wanted
        }
        kept = {name for name, why in found.items() if why is Origin.KEPT}
        if gone := there.keys() - kept:
            await clear()
            await self._delete(gone)
        for name, folder in wanted.items():
            writer.line(f"{folder.service} {found[name]}: {folder.path}")
            if name not in kept:
                await self._create(name, size, labels, trust)
        return not kept

    async def of_earlier_runs(self, holder: Holder) -> bool:
        """Return whether there is data that earlier runs than the holder's have made."""
        return any(not same_run(labels, holder) for labels in (await self._all()).values())

    async def remove_own(self, holder: Holder) -> None:
        """Remove what the holder's run has made."""
        there = await self._all()
        mine = (name for name, one in there.items() if same_run(one, holder) and may_remove(one, holder))
        await self._delete(frozenset(mine))

    async def _all(self) -> dict[str, Mapping[str, str]]:
        """Return the labels of all claims by their names."""
        found = await self.cluster.list(CLAIM.path(self.namespace), {LABEL_ROLE: part_claims.ROLE})
        return {str(one["metadata"]["name"]): labels_of(one) for one in found}

    async def _create(self, name: str, size: str, labels: Mapping[str, str], trust: str) -> None:
        manifest = part_claims.claim(name, size, labels, trust)
        try:
            made = await self.cluster.call("POST", CLAIM.path(self.namespace), body=manifest.body)
        except ClusterRefused as refused:
            raise applying.error_for(manifest, refused) from refused
        if not _has_class(made):
            # The cluster names its default StorageClass in each claim that names none.
            raise TellUser(Reason.NO_STORAGE_CLASS)

    async def _delete(self, names: Collection[str]) -> None:
        for name in names:
            await self.cluster.delete(CLAIM.path(self.namespace, name))

        async def gone() -> bool:
            return names & (await self._all()).keys() == frozenset()

        try:
            await until(GONE_AFTER, gone)
        except TimeoutError:
            message = f"claims are still in use {GONE_AFTER:g} s after they were deleted"
            raise ClusterUnavailable(message) from None


def _has_class(claim: Mapping[str, Any]) -> bool:
    return bool((claim.get("spec") or {}).get("storageClassName"))
