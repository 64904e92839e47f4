"""What the volumes of a service become: files of the commit in its image, or folders of its own."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.pipeline.compose import messages, values
from bot.pipeline.compose.findings import Findings
from bot.pipeline.compose.model import Service
from bot.pipeline.compose.places import below, in_repository, is_path
from bot.pipeline.yaml_tree import Path

HARMLESS = frozenset({"/etc/localtime", "/etc/timezone"})
"""Files of the host that a container does without: its clock shows UTC."""


@dataclass(slots=True)
class Mounts:
    """The volumes of one service, by their paths in the container."""

    files: dict[str, tuple[str, Path]] = field(default_factory=dict)
    """Paths in the repository, and where the Compose file says so."""
    folders: dict[str, Path] = field(default_factory=dict)
    names: dict[str, Path] = field(default_factory=dict)
    """Where the Compose file has a named volume, by its name."""


def mounts(name: str, service: Service, folder: str, found: Findings) -> Mounts:
    """Return what the volumes of a service become; what is not allowed is added to the problems."""
    sorted_out = Mounts()
    for index, one in enumerate(service.volumes or ()):
        path: Path = ("services", name, "volumes", index)
        try:
            volume = values.volume(one)
        except ValueError:
            found.wrong(path, messages.VOLUME)
            continue
        _sort(volume, path, folder, sorted_out, found)
    sorted_out.folders = {
        target: path
        for target, path in sorted_out.folders.items()
        # The image has what is there: an empty folder would hide it.
        if not any(_inside(target, other) for other in sorted_out.files)
    }
    return sorted_out


def check_shared(services: Mapping[str, Mounts], found: Findings) -> None:
    """Add a problem for each volume that several services mount."""
    users = defaultdict[str, list[str]](list)
    for service, one in services.items():
        for name in one.names:
            users[name].append(service)
    for name, several in users.items():
        if len(several) > 1:
            found.wrong(services[several[1]].names[name], messages.shared(name, ", ".join(several)))


def run_code(service: Service, mounted: Mounts, folder: str) -> bool:
    """Return whether a service runs code from its mounts: the project itself, or what its folder is in."""
    at = (service.working_dir or "").rstrip("/")
    return any(
        below(folder, source) is not None or (at and _inside(at, target))
        for target, (source, _) in mounted.files.items()
    )


def _sort(volume: values.Volume, path: Path, folder: str, into: Mounts, found: Findings) -> None:
    source, target = volume.source, volume.target.rstrip("/") or volume.target
    if volume.kind == "tmpfs" or source in HARMLESS:
        return
    if volume.kind in {"bind", "npipe"} or (not volume.kind and source is not None and is_path(source)):
        inside = in_repository(folder, source or "/")
        if inside is None or volume.kind == "npipe":
            found.wrong(path, messages.HOST_PATH)
        else:
            into.files[target] = (inside, path)
    elif volume.kind in {"", "volume"}:
        into.folders[target] = path
        if source is not None:
            into.names[source] = path
    else:
        found.wrong(path, messages.VOLUME)


def _inside(target: str, other: str) -> bool:
    return target == other or target.startswith(f"{other.rstrip('/')}/")
