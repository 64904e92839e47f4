"""Checks of `services`: on what each of them depends, and what its keys require."""

import re
from collections.abc import Iterator, Mapping

from bot.core.environments import startup
from bot.core.language.spelling import nearest
from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.pipeline import messages
from bot.pipeline.yaml_tree import Path, Tree, section

MOST = 8
"""Services, and dependencies of one of them; more are reported as such, and not examined."""

SWITCHES = {"true": True, "false": False}
"""What YAML writes for a switch."""

_LONGEST_NAME = 40
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]{1,60}){1,10}", re.ASCII)
_VOLUME = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,100}){1,10}", re.ASCII)
_TAKEN = re.compile(r"/(?:proc|sys|dev|(?:var/)?run/secrets)(?:/.*)?|/(?:var/)?run|/tmp")
"""What the system, the bot's secrets and the container's own `/tmp` need."""
_HIDDEN = re.compile(r"/tmp(?:/.*)?")  # noqa: S108 - inside the container
"""What the container's own `/tmp` hides."""


def volume(text: str) -> Text | None:
    """Check the path of a volume in its container."""
    return None if _VOLUME.fullmatch(text) and not _TAKEN.fullmatch(text) else messages.VOLUME


def file_target(text: str) -> Text | None:
    """Check the path in a container to which a file or folder is copied."""
    if volume(text) is None and not _HIDDEN.fullmatch(text):
        return None
    return messages.FILE_TARGET if text.startswith("/") else messages.FILE_TARGET_FIRST


def check_files(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield files for services whose image or manifests have to bring them."""
    deploy, images = section(tree, "deploy"), section(tree, "images")
    own = deploy.get("chart") or deploy.get("manifests") or deploy.get("runner") == RunnerName.JENKINS
    for name, service in _services(tree).items():
        if service.get("files") and own:
            yield ("services", name, "files"), messages.FILES_BESIDE_CHART
        elif service.get("files") and service.get("image") in images:
            yield ("services", name, "files"), messages.FILES_OF_IMAGE


def public(text: str) -> Text | None:
    """Check what makes a service public: a switch, or a path below which only it answers."""
    plain = _PATH.fullmatch(text) and not {".", ".."} & set(text.split("/"))
    return None if plain or text in SWITCHES else messages.PUBLIC


def check_public(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield public services that cannot be reached, and paths that several would have."""
    deploy, taken = section(tree, "deploy"), set[str]()
    for name, service in _services(tree).items():
        wanted = service.get("public")
        if not isinstance(wanted, str) or not SWITCHES.get(wanted, True):
            continue
        if service.get("port") is None:
            yield ("services", name, "public"), messages.PUBLIC_PORT
        elif deploy.get("runner") == RunnerName.JENKINS:
            yield ("services", name, "public"), messages.PUBLIC_OF_JOB
        elif deploy.get("chart") or deploy.get("manifests"):
            yield ("services", name, "public"), messages.PUBLIC_OF_CHART
        elif wanted in taken:
            yield ("services", name, "public"), messages.PATH_TAKEN
        elif wanted not in SWITCHES:
            taken.add(wanted)


def check_dependencies(tree: Tree) -> Iterator[tuple[Path, Text, str]]:
    """Yield dependencies that cannot be met, each with the service that was probably meant."""
    needs = {name: _names(service) for name, service in _services(tree).items()}
    for name, wanted in needs.items():
        for index, other in enumerate(wanted):
            if other == name:
                yield _place(name, index), messages.DEPENDS_ON_ITSELF, ""
            elif other not in needs:
                known = tuple(sorted(needs.keys() - {name}))
                yield _place(name, index), messages.unknown_service(known), nearest(other, known) or ""
    others = {name: [other for other in wanted if other != name] for name, wanted in needs.items()}
    if circle := startup.cycle(others):
        name, following = circle[:2]
        yield _place(name, needs[name].index(following)), messages.cycle(circle), ""


def check_health(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield health checks without a port to ask."""
    for name, service in _services(tree).items():
        health = service.get("health")
        if isinstance(health, dict) and health.get("path") is not None and service.get("port") is None:
            yield ("services", name, "health"), messages.PORT_REQUIRED


def check_aliases(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield hostnames that several containers would have, and those that Kubernetes cannot give."""
    deploy, services = section(tree, "deploy"), _services(tree)
    taken = set(services)
    for path, one in ((("deploy",), deploy), *((("services", name), one) for name, one in services.items())):
        listed = one.get("aliases")
        for index, alias in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(alias, str):
                continue
            if alias in taken:
                yield (*path, "aliases", index), messages.ALIAS_TAKEN
            elif deploy.get("runner") == RunnerName.KUBERNETES and not _LABEL.fullmatch(alias):
                yield (*path, "aliases", index), messages.ALIAS_ON_KUBERNETES
            taken.add(alias)


def _services(tree: Tree) -> Mapping[str, Mapping[str, Tree]]:
    found = section(tree, "services")
    if len(found) > MOST or any(len(name) > _LONGEST_NAME for name in found):
        return {}
    return {name: service if isinstance(service, dict) else {} for name, service in found.items()}


def _names(service: Mapping[str, Tree]) -> list[str]:
    found = service.get("depends_on")
    if not isinstance(found, list) or len(found) > MOST:
        return []
    return [each if isinstance(each, str) else "" for each in found]


def _place(name: str, index: int) -> Path:
    return ("services", name, "depends_on", index)
