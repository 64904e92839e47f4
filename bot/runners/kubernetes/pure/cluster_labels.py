"""What the bot writes on all that is its own in a cluster, so that it is found again without the store. Pure.

The value of a label takes few characters and at most 63, so names from Gitee stand in annotations and labels
carry their hash (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/).
"""

import re
from collections.abc import Mapping
from datetime import datetime

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath

MANAGER = naming.PREFIX
"""Field manager of server-side apply, and who manages according to the usual label."""
MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_PULL = f"{naming.PREFIX}.pull"
LABEL_IDENTITY = f"{naming.PREFIX}.environment-id"
LABEL_ROLE = f"{naming.PREFIX}.role"
ANNOTATION_EXPIRES = f"{naming.PREFIX}.expires"
ANNOTATION_OWNER = f"{naming.PREFIX}.owner"
POD_SECURITY = "pod-security.kubernetes.io"

_LONGEST = 63


def of_instance(instance: str) -> dict[str, str]:
    """Return what everything of this bot carries."""
    return {naming.LABEL_INSTANCE: instance}


def of_pull(instance: str, repo: RepoPath, number: int) -> dict[str, str]:
    """Return what everything of one pull request carries."""
    return {**of_instance(instance), LABEL_PULL: naming.identity(EnvironmentKey(repo, number, ""))}


def of_environment(instance: str, key: EnvironmentKey) -> dict[str, str]:
    """Return what everything of one environment carries."""
    return {**of_pull(instance, key.repo, key.number), LABEL_IDENTITY: naming.identity(key, instance)}


def all_of(instance: str, key: EnvironmentKey, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of an object; `facts` are the run's own labels, kept where a label can hold them."""
    kept = {naming.LABEL_NUMBER, naming.LABEL_SHA, naming.LABEL_RUN}
    return {
        **{name: value for name, value in facts.items() if name in kept},
        naming.LABEL_ENVIRONMENT: label_value(key.name),
        MANAGED_BY: MANAGER,
        **of_environment(instance, key),
    }


def annotations(key: EnvironmentKey, *, owner: str, expires: datetime | None) -> dict[str, str]:
    """Return what a namespace tells people; empty ones are left out."""
    found = {
        naming.LABEL_REPO: str(key.repo),
        naming.LABEL_ENVIRONMENT: key.name,
        ANNOTATION_OWNER: owner,
        **(ending(expires) if expires else {}),
    }
    return {name: value for name, value in found.items() if value}


def ending(expires: datetime) -> dict[str, str]:
    """Return how a namespace tells until when it lives, for an extension to change.

    The bot itself goes by its store: what people can change here makes nothing live longer.
    """
    return {ANNOTATION_EXPIRES: expires.isoformat(timespec="seconds")}


def pod_security(level: str) -> dict[str, str]:
    """Return the labels that make a server since 1.25 refuse pods beyond a level; older ones ignore them."""
    return {f"{POD_SECURITY}/{mode}": level for mode in ("enforce", "warn")}


def selector(labels: Mapping[str, str]) -> str:
    """Return labels as the API takes them in a query."""
    return ",".join(f"{name}={value}" for name, value in labels.items())


def label_value(text: str) -> str:
    """Return what of a text a label's value can hold.

    >>> label_value("我的 staging!")
    'staging'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:_LONGEST].strip("-_.")
