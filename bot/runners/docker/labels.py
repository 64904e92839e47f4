"""The labels that mark what the bot owns; it never changes anything without them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core.environments import public
from bot.core.naming import (
    LABEL_ENVIRONMENT,
    LABEL_EXPIRES,
    LABEL_HOST,
    LABEL_INSTANCE,
    LABEL_NUMBER,
    LABEL_PUBLIC,
    LABEL_REPO,
    PREFIX,
)
from bot.core.runs.fencing import may_remove, same_run
from bot.model.environment import EnvironmentKey, PublicService
from bot.model.forge import RepoPath
from bot.model.holder import Holder

Found = Mapping[str, Any]

LABEL_RESOLVERS = f"{PREFIX}.resolvers"
"""DNS servers outside that the containers of a network ask, joined by commas."""
LABEL_ROLE = f"{PREFIX}.role"
"""The role of a container, a `ContainerKind`."""
LABEL_PORT = f"{PREFIX}.port"
"""The port of the service under test."""


def of_pull(instance: str, repo: RepoPath, number: int) -> dict[str, str]:
    """Return the labels of everything that belongs to a pull request."""
    return {LABEL_INSTANCE: instance, LABEL_REPO: str(repo), LABEL_NUMBER: str(number)}


def of_environment(instance: str, key: EnvironmentKey) -> dict[str, str]:
    """Return the labels of everything that belongs to an environment."""
    return {**of_pull(instance, key.repo, key.number), LABEL_ENVIRONMENT: key.name}


def of_preview(host: str, expires: datetime | None, services: Sequence[PublicService] = ()) -> dict[str, str]:
    """Return the labels of a network that a bot reads which has lost its store."""
    known = {LABEL_EXPIRES: expires.isoformat(timespec="seconds")} if expires else {}
    if services:
        known[LABEL_PUBLIC] = public.written(services)
    return {LABEL_HOST: host, **known}


def port(found: Mapping[str, str]) -> int:
    """Return the port in a container's labels, 0 if there is none.

    Earlier versions of the bot did not set it, so that it may be the label of an image: hostile text.
    """
    text = found.get(LABEL_PORT, "")
    number = int(text) if re.fullmatch("[0-9]{1,5}", text, re.ASCII) else 0
    return number if number < 1 << 16 else 0


def matching(wanted: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the engine's filter for objects with all of these labels."""
    return {"label": [f"{name}={value}" for name, value in wanted.items()]}


def parted(
    found: Iterable[Found], holder: Holder, spared: Holder | None = None
) -> tuple[list[Found], list[Found]]:
    """Part entries of the engine's lists: what a holder may remove, and what is newer.

    What the run of the spared holder has created is in neither.
    """
    mine: list[Found] = []
    newer: list[Found] = []
    for one in found:
        labels = one.get("Labels") or {}
        if spared is None or not same_run(labels, spared):
            (mine if may_remove(labels, holder) else newer).append(one)
    return mine, newer
