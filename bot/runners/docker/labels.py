"""The labels by which the bot finds again what is its own; nothing without them is ever touched."""

from collections.abc import Mapping

from bot.core.naming import LABEL_ENVIRONMENT, LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO, PREFIX
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath

LABEL_ROLE = f"{PREFIX}.role"
"""What a container is for."""


def of_pull(instance: str, repo: RepoPath, number: int) -> dict[str, str]:
    """Return what everything of one pull request carries."""
    return {LABEL_INSTANCE: instance, LABEL_REPO: str(repo), LABEL_NUMBER: str(number)}


def of_environment(instance: str, key: EnvironmentKey) -> dict[str, str]:
    """Return what everything of one environment carries."""
    return {**of_pull(instance, key.repo, key.number), LABEL_ENVIRONMENT: key.name}


def matching(wanted: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the engine's filter for all of these labels."""
    return {"label": [f"{name}={value}" for name, value in wanted.items()]}
