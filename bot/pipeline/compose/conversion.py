"""Converts a Compose file into the keys of `.chatops.yml`."""

from dataclasses import replace

from bot.pipeline import messages as own_messages
from bot.pipeline.compose import deployed, hosts, messages, reading, setup, values
from bot.pipeline.compose.findings import Findings
from bot.pipeline.compose.images import Images
from bot.pipeline.compose.model import ComposeFile
from bot.pipeline.compose.mounts import check_shared, mounts
from bot.pipeline.compose.places import in_repository
from bot.pipeline.compose.project import Project
from bot.pipeline.compose.service import Converter, Surroundings, env_files
from bot.pipeline.service_checks import MOST
from bot.pipeline.yaml_tree import Document

MOST_FILES = 20
"""Files with variables that are read."""


def convert(document: Document, project: Project, chosen: str | None) -> Findings:
    """Return what a parsed Compose file means; `chosen` is the service to deploy, if one is named.

    Raises FilesNeededError, and FileError for a file with variables that is wrong.
    """
    env = in_repository(project.folder, ".env") or ""
    project.require([env])
    variables = project.variables(env, {}) or {}
    left_out = reading.left_out(document, chosen)
    compose, problems = reading.read(document, variables, chosen)
    found = Findings(problems=problems)
    if compose is None:
        return found
    project.require(list(dict.fromkeys(env_files(compose, project)))[:MOST_FILES])
    name = deployed.chosen(compose.services, chosen, found)
    if name is not None:
        known = tuple(each for each in compose.services if each != name)
        _services(compose, name, Surroundings(project, variables, known, left_out | {name}), found)
    return found


def _services(compose: ComposeFile, deployed_one: str, around: Surroundings, found: Findings) -> None:
    services, folder = compose.services, around.project.folder
    if len(services) > MOST + 1:
        found.wrong(("services",), own_messages.at_most(MOST + 1))
        return
    _check_names(compose, deployed_one, found)
    images = Images(services, folder, around.env, found)
    mounted = {name: mounts(name, one, folder, found) for name, one in services.items()}
    check_shared(mounted, found)
    aliases = hosts.aliases(services, deployed_one)
    run = {
        name: images.of(name, one, mounted[name], deployed=name == deployed_one)
        for name, one in services.items()
    }
    jobs = setup.jobs(services, deployed_one, run)
    setup.put(services, jobs, found)
    around = replace(around, absent=around.absent | jobs.keys())
    for name, service in services.items():
        if name not in jobs:
            converter = Converter(name, service, around, found, name == deployed_one)
            converter.convert(run[name], mounted[name], aliases[name])


def _check_names(compose: ComposeFile, deployed_one: str, found: Findings) -> None:
    """Add a problem for services that would have the same name in `.chatops.yml`."""
    names = set[str]()
    for name in compose.services:
        label = values.label(name)
        if name != deployed_one and label == hosts.OWN:
            found.wrong(("services", name), messages.APP)
        elif name != deployed_one and label in names:
            found.wrong(("services", name), messages.SAME_HOST)
        names.add(label)
