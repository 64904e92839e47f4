"""Labels and annotations of the bot's objects, by which it finds them without its store. Pure.

A label's value has at most 63 characters of a small alphabet, so annotations hold names from Gitee, and
labels their hash (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core import naming
from bot.core.environments import public
from bot.model.environment import EnvironmentKey, PublicService
from bot.model.forge import RepoPath

MANAGER = naming.PREFIX
"""Field manager of server-side apply, and value of the label `app.kubernetes.io/managed-by`."""
MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_PULL = f"{naming.PREFIX}.pull"
LABEL_IDENTITY = f"{naming.PREFIX}.environment-id"
LABEL_ROLE = f"{naming.PREFIX}.role"
LABEL_PART = f"{naming.PREFIX}.part"
ANNOTATION_ENTRY = f"{naming.PREFIX}.entry"
"""The Service that visitors reach, and its port."""
ANNOTATION_OWNER = f"{naming.PREFIX}.owner"
POD_SECURITY = "pod-security.kubernetes.io"

_LONGEST = 63
_ENTRY = re.compile(r"([a-z](?:[-a-z0-9]{0,61}[a-z0-9])?):([0-9]{1,5})", re.ASCII)


def of_instance(instance: str) -> dict[str, str]:
    """Return the labels of all objects of this bot."""
    return {naming.LABEL_INSTANCE: instance}


def of_pull(instance: str, repo: RepoPath, number: int) -> dict[str, str]:
    """Return the labels of all objects of one pull request."""
    return {**of_instance(instance), LABEL_PULL: naming.identity(EnvironmentKey(repo, number, ""))}


def of_environment(instance: str, key: EnvironmentKey) -> dict[str, str]:
    """Return the labels of all objects of one environment."""
    return {**of_pull(instance, key.repo, key.number), LABEL_IDENTITY: naming.identity(key, instance)}


def all_of(instance: str, key: EnvironmentKey, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of an object; of the run's labels in `facts`, those that a label can hold."""
    kept = {
        naming.LABEL_NUMBER,
        naming.LABEL_SHA,
        naming.LABEL_RUN,
        naming.LABEL_ATTEMPT,
        naming.LABEL_STORE,
    }
    return {
        **{name: value for name, value in facts.items() if name in kept},
        naming.LABEL_ENVIRONMENT: label_value(key.name),
        MANAGED_BY: MANAGER,
        **of_environment(instance, key),
    }


def labels_of(found: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of an object as the server describes it."""
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels


def annotations(
    key: EnvironmentKey,
    *,
    owner: str,
    expires: datetime | None,
    host: str = "",
    entry: str = "",
    services: Sequence[PublicService] = (),
) -> dict[str, str]:
    """Return the annotations of a namespace; empty ones are omitted.

    They are for people, and for a bot that has lost its store.
    """
    found = {
        naming.LABEL_REPO: str(key.repo),
        naming.LABEL_ENVIRONMENT: key.name,
        ANNOTATION_OWNER: owner,
        naming.LABEL_HOST: host,
        ANNOTATION_ENTRY: entry,
        naming.LABEL_PUBLIC: public.written(services),
        **(ending(expires) if expires else {}),
    }
    return {name: value for name, value in found.items() if value}


def ending(expires: datetime) -> dict[str, str]:
    """Return the expiry annotation of a namespace.

    The bot follows its store, so changing the annotation extends nothing.
    """
    return {naming.LABEL_EXPIRES: expires.isoformat(timespec="seconds")}


def owned(store: str, until: datetime) -> dict[str, str]:
    """Return the annotations of a namespace that say which store's bot owns it."""
    return {naming.LABEL_OWNED_BY: store, naming.LABEL_OWNED_UNTIL: until.isoformat(timespec="seconds")}


def entry(text: str) -> tuple[str, int] | None:
    """Return the Service and port of an entry annotation, None for another text."""
    found = _ENTRY.fullmatch(text)
    return (found[1], int(found[2])) if found else None


def pod_security(level: str) -> dict[str, str]:
    """Return the labels that make servers from 1.25 enforce a Pod Security level; older ones ignore them."""
    return {f"{POD_SECURITY}/{mode}": level for mode in ("enforce", "warn")}


def selector(labels: Mapping[str, str]) -> str:
    """Return labels as a label selector."""
    return ",".join(f"{name}={value}" for name, value in labels.items())


def label_value(text: str) -> str:
    """Return a text reduced to what a label's value can hold.

    >>> label_value("我的 staging!")
    'staging'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:_LONGEST].strip("-_.")
