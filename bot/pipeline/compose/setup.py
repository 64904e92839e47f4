"""Services that the deployed one waits for to end, such as migrations: they become its `setup` commands."""

import shlex
from collections.abc import Mapping

from bot.pipeline.compose import messages, values
from bot.pipeline.compose.findings import Findings
from bot.pipeline.compose.model import COMPLETED, Service
from bot.pipeline.yaml_tree import Path


def jobs(services: Mapping[str, Service], deployed: str, run: Mapping[str, str | None]) -> dict[str, Path]:
    """Return such services and where the deployed one names them, if they run a command in its image."""
    needs = services[deployed].depends_on
    path = ("services", deployed, "depends_on")
    return {
        name: (*path, name)
        for name, need in (needs.items() if isinstance(needs, Mapping) else ())
        if need.condition == COMPLETED
        and name in services
        and (run[name] == run[deployed] or _same(services[name], services[deployed]))
        and services[name].command
        and not services[name].entrypoint
        and _alike(services[name], services[deployed])
    }


def _same(one: Service, other: Service) -> bool:
    """Return whether two services run the same image of a registry."""
    return one.build is None and other.build is None and one.image == other.image


def _alike(job: Service, deployed: Service) -> bool:
    """Return whether a job has no variables or folder of its own: setup commands have the service's."""
    return all(
        not getattr(job, key) or getattr(job, key) == getattr(deployed, key)
        for key in ("environment", "env_file", "working_dir")
    )


def put(services: Mapping[str, Service], found_jobs: Mapping[str, Path], found: Findings) -> None:
    """Put their commands under `deploy.setup`, in the order in which the deployed service names them."""
    commands = list[str]()
    for name in found_jobs:
        try:
            commands.append(shlex.join(values.words(services[name].command)))
        except ValueError:
            found.wrong(("services", name, "command"), messages.COMMAND)
    if commands:
        found.put(("deploy", "setup"), [*commands], next(iter(found_jobs.values())))
