"""The labels that mark what the bot owns; it never changes anything without them."""

from collections.abc import Mapping

from bot.core.naming import LABEL_ENVIRONMENT, LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO, PREFIX
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath

LABEL_ROLE = f"{PREFIX}.role"
"""The role of a container, a `ContainerKind`."""


def of_pull(instance: str, repo: RepoPath, number: int) -> dict[str, str]:
    """Return the labels of everything that belongs to a pull request."""
    return {LABEL_INSTANCE: instance, LABEL_REPO: str(repo), LABEL_NUMBER: str(number)}


def of_environment(instance: str, key: EnvironmentKey) -> dict[str, str]:
    """Return the labels of everything that belongs to an environment."""
    return {**of_pull(instance, key.repo, key.number), LABEL_ENVIRONMENT: key.name}


def matching(wanted: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the engine's filter for objects with all of these labels."""
    return {"label": [f"{name}={value}" for name, value in wanted.items()]}
