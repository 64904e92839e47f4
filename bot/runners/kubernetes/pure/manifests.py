"""Kubernetes objects: the kinds that the bot knows, and parsing of YAML."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

LARGEST = 512 << 10
"""Largest YAML stream, in characters."""
MOST_NODES = 50_000
"""Most values of all documents together; aliases count wherever they are used."""
MOST_OBJECTS = 100
LARGEST_NUMBER = 1 << 64
"""Kubernetes stores no number as large as this one."""


class ManifestError(Exception):
    """The text is not a valid set of objects; the message says why, in English."""


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A namespaced kind, and its path in the API."""

    api_version: str
    name: str
    plural: str

    def path(self, namespace: str, name: str = "") -> str:
        """Return the path of an object, or of the collection."""
        found = f"{self._root}/namespaces/{namespace}/{self.plural}"
        return f"{found}/{name}" if name else found

    @property
    def everywhere(self) -> str:
        """The path of the collection of all namespaces."""
        return f"{self._root}/{self.plural}"

    @property
    def _root(self) -> str:
        return f"/{'apis' if '/' in self.api_version else 'api'}/{self.api_version}"


CONFIG_MAP = ObjectKind("v1", "ConfigMap", "configmaps")
SECRET = ObjectKind("v1", "Secret", "secrets")
SERVICE = ObjectKind("v1", "Service", "services")
SERVICE_ACCOUNT = ObjectKind("v1", "ServiceAccount", "serviceaccounts")
CLAIM = ObjectKind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
POD = ObjectKind("v1", "Pod", "pods")
EVENT = ObjectKind("v1", "Event", "events")
QUOTA = ObjectKind("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = ObjectKind("v1", "LimitRange", "limitranges")
DEPLOYMENT = ObjectKind("apps/v1", "Deployment", "deployments")
STATEFUL_SET = ObjectKind("apps/v1", "StatefulSet", "statefulsets")
REPLICA_SET = ObjectKind("apps/v1", "ReplicaSet", "replicasets")
JOB = ObjectKind("batch/v1", "Job", "jobs")
CRON_JOB = ObjectKind("batch/v1", "CronJob", "cronjobs")
INGRESS = ObjectKind("networking.k8s.io/v1", "Ingress", "ingresses")
NETWORK_POLICY = ObjectKind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")

APPLICABLE: tuple[ObjectKind, ...] = (
    SERVICE_ACCOUNT,
    CONFIG_MAP,
    SECRET,
    CLAIM,
    SERVICE,
    DEPLOYMENT,
    STATEFUL_SET,
    JOB,
    CRON_JOB,
    INGRESS,
)
"""Kinds that a repository may use, in the order in which they are applied. Bare pods are not among them:
only pods of a controller are replaced after a failure."""

_HOOK = "helm.sh/hook"
_KNOWN = {(kind.api_version, kind.name): kind for kind in APPLICABLE}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object to apply."""

    api_version: str
    kind: str
    name: str
    body: Mapping[str, Any]

    @property
    def known(self) -> ObjectKind | None:
        """The kind, if it may be applied."""
        return _KNOWN.get((self.api_version, self.kind))

    @property
    def is_hook(self) -> bool:
        """Whether Helm runs the object beside the release instead of making it a part of the release."""
        annotations = self.body["metadata"].get("annotations")
        return isinstance(annotations, dict) and _HOOK in annotations

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def read(text: str) -> tuple[Manifest, ...]:
    """Return the objects of a YAML stream; lists are expanded. Raises ManifestError."""
    if len(text) > LARGEST:
        raise ManifestError(f"more than {LARGEST >> 10} KiB of YAML")
    left = _Budget(MOST_NODES)
    try:
        # Not the C loader: deep nesting crashes it.
        documents = [left.copy(document) for document in yaml.safe_load_all(text)]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestError(_parse_error(error)) from error
    except (ArithmeticError, AttributeError, LookupError) as error:
        # PyYAML converts values without a check, such as `!!int ""`.
        raise ManifestError("a value does not have the form that its type requires") from error
    found = tuple(manifest for document in documents for manifest in _objects(document))
    if len(found) > MOST_OBJECTS:
        raise ManifestError(f"more than {MOST_OBJECTS} objects")
    return found


def ordered(manifests: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """Sort objects so that dependencies come first."""
    return tuple(sorted(manifests, key=lambda each: APPLICABLE.index(each.known) if each.known else 0))


def marked(manifest: Manifest, labels: Mapping[str, str], namespace: str) -> dict[str, Any]:
    """Return an object's body to apply: in its namespace, and with the labels that identify it."""
    metadata = dict(manifest.body["metadata"])
    own = metadata.get("labels")
    metadata["labels"] = {**(own if isinstance(own, Mapping) else {}), **labels}
    metadata["namespace"] = namespace
    return {**manifest.body, "metadata": metadata}


def mapping_at(tree: Any, *path: str) -> Mapping[str, Any]:
    """Return the mapping at a path of an unchecked tree, or an empty one if there is none."""
    for part in path:
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree if isinstance(tree, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings in an unchecked list; none if it is no list."""
    return [each for each in elements(value) if isinstance(each, Mapping)]


def elements(value: Any) -> list[Any]:
    """Return an unchecked list, or an empty one if it is none."""
    return value if isinstance(value, list) else []


class _Budget:
    """Copies trees of plain values up to a limit: with aliases, few characters can make many values."""

    def __init__(self, nodes: int) -> None:
        self._left = nodes

    def copy(self, node: Any) -> Any:
        """Return a copy without shared nodes and with strings as keys. Raises ManifestError."""
        self._left -= 1
        if self._left < 0:
            raise ManifestError(f"more than {MOST_NODES} values")
        if isinstance(node, dict):
            return {str(name): self.copy(child) for name, child in node.items()}
        if isinstance(node, list | tuple):
            return [self.copy(child) for child in node]
        # Not `>=`: `.nan` is not a number either.
        if isinstance(node, int | float) and not abs(node) < LARGEST_NUMBER:
            raise ManifestError("a number that is not finite, or larger than 64 bits")
        return node if isinstance(node, str | int | float | bool) or node is None else str(node)


def _objects(document: Any) -> Iterator[Manifest]:
    if document is None:
        return
    if not isinstance(document, dict):
        raise ManifestError("a document is not an object")
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item)
        return
    yield _manifest(document)


def _manifest(document: dict[str, Any]) -> Manifest:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    api_version, kind = document.get("apiVersion"), document.get("kind")
    if not (isinstance(api_version, str) and isinstance(kind, str) and isinstance(name, str) and name):
        raise ManifestError("an object lacks apiVersion, kind or metadata.name")
    return Manifest(api_version, kind, name, document)


def _parse_error(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return "too deeply nested" if isinstance(error, RecursionError) else str(error)
