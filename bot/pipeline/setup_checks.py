"""Checks of `deploy.setup` and `deploy.data`: the commands, what they have to run in, and what is kept."""

from collections.abc import Iterator

from bot.core.language.spelling import nearest
from bot.model.pipeline import DataLifetime, RunnerName, SetupTime
from bot.model.text import Text
from bot.pipeline import messages
from bot.pipeline.image_checks import is_off
from bot.pipeline.yaml_tree import Path, Tree, section

LONGEST = 2000
"""Characters of a command."""


def command(text: str) -> Text | None:
    """Check a command."""
    if len(text) > LONGEST:
        return messages.LONG_VALUE
    return None if text.strip() else messages.EMPTY


def check_combinations(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield a setup that has nothing to run in, or that something else of the deployment has to do."""
    deploy = section(tree, "deploy")
    if not deploy.get("setup"):
        return
    if is_off(deploy.get("enabled")):
        yield ("deploy", "setup"), messages.NOTHING_TO_SET_UP
    elif deploy.get("runner") == RunnerName.JENKINS:
        yield ("deploy", "setup"), messages.SETUP_OF_JOB
    elif deploy.get("chart") or deploy.get("manifests"):
        yield ("deploy", "setup"), messages.SETUP_OF_CHART


def check_commands(tree: Tree) -> Iterator[tuple[Path, Text, str]]:
    """Yield commands that say nothing, run in no service, or wait for data that is always new."""
    if section(tree, "deploy").get("compose") is not None:
        return  # The services are in the Compose file.
    services = tuple(map(str, section(tree, "services")))
    for index, one in enumerate(_commands(tree)):
        place: Path = ("deploy", "setup", index)
        if not isinstance(one, dict):
            continue
        if one.get("run") is None:
            yield place, messages.RUN_REQUIRED, ""
        name = one.get("service")
        if isinstance(name, str) and name not in services:
            yield (*place, "service"), messages.unknown_service(services), nearest(name, services) or ""


def check_data(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield data that cannot be kept, and commands that ask for what `data: fresh` never has."""
    deploy = section(tree, "deploy")
    if deploy.get("compose") is not None:
        return  # The services are in the Compose file.
    if deploy.get("data") != DataLifetime.KEEP:
        for index, one in enumerate(_commands(tree)):
            if isinstance(one, dict) and one.get("when") == SetupTime.FRESH:
                yield ("deploy", "setup", index, "when"), messages.DATA_IS_FRESH
    elif deploy.get("runner") == RunnerName.JENKINS or deploy.get("chart") or deploy.get("manifests"):
        yield ("deploy", "data"), messages.DATA_OF_CHART
    elif not any(isinstance(one, dict) and one.get("volumes") for one in section(tree, "services").values()):
        yield ("deploy", "data"), messages.NOTHING_TO_KEEP


def _commands(tree: Tree) -> list[Tree]:
    found = section(tree, "deploy").get("setup")
    return found if isinstance(found, list) else []
