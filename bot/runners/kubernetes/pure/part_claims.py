"""Claims of volumes with the data of services that outlives their pods. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core import naming
from bot.core.naming import LABEL_DATA
from bot.ports import EnvironmentSpec
from bot.runners.kubernetes.pure.cluster_labels import LABEL_ROLE
from bot.runners.kubernetes.pure.manifests import CLAIM, Manifest

ROLE = "data"


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a service has data."""

    service: str
    path: str

    @property
    def claim(self) -> str:
        """The name of the claim of its volume."""
        return naming.data(self.service, self.path)


def folders(spec: EnvironmentSpec) -> dict[str, Folder]:
    """Return the folders whose data a deployment keeps, by the names of their claims."""
    kept = spec.services if spec.keeps_data else ()
    found = (Folder(service.name, path) for service in kept for path in service.volumes)
    return {folder.claim: folder for folder in found}


def claim(name: str, size: str, labels: Mapping[str, str], trust: str) -> Manifest:
    """Return a claim in the cluster's default StorageClass; one pod at a time mounts it."""
    marked = {**labels, LABEL_ROLE: ROLE, LABEL_DATA: trust}
    body: dict[str, Any] = {
        "apiVersion": CLAIM.api_version,
        "kind": CLAIM.name,
        "metadata": {"name": name, "labels": marked},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }
    return Manifest(CLAIM.api_version, CLAIM.name, name, body)
