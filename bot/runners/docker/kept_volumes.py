"""The volumes of an environment that outlive its deployments, so that the next one finds its data.

They have the labels of the run that made them, and say whose commits have written them. The engine removes no
volume that a container has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core import naming
from bot.core.environments.kept_data import Origin, origin, trust_label
from bot.core.naming import LABEL_DATA
from bot.core.runs.fencing import may_remove, same_run
from bot.model.environment import EnvironmentKey
from bot.model.errors import RetryLater
from bot.model.holder import Holder
from bot.model.inventory import Item
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec
from bot.runners.docker import labels
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.inventory import remove_volume, volume_item
from bot.runners.lines import LogWriter


@dataclass(frozen=True, slots=True)
class Data:
    """What a deployment has of it."""

    volumes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Names of volumes by their paths in the container, by service."""
    new: bool = True
    """Whether nothing of it is from an earlier deployment."""


@dataclass(frozen=True, slots=True)
class KeptVolumes:
    """Those of one environment."""

    engine: DockerEngine
    key: EnvironmentKey
    instance: str

    async def newer(self, holder: Holder) -> list[Item]:
        """Return those that a later run or attempt has made."""
        found = [one for one in (await self._all()).values() if not may_remove(_labels(one), holder)]
        return [item for item in map(volume_item, found) if item is not None]

    async def prepared(self, spec: EnvironmentSpec, writer: LogWriter) -> Data:
        """Create what a deployment keeps, unless it may use what is there; remove everything else.

        Beside a deployment that answers, what that one has stays. Raises RetryLater(ENGINE_UNAVAILABLE) if a
        name that is needed is not free.
        """
        there, wanted = await self._all(), self._wanted(spec)
        mine = {**spec.labels, **labels.of_environment(self.instance, self.key)}
        mine |= {LABEL_DATA: trust_label(trusted=spec.trusted)}
        found = {
            name: origin(_labels(there[name]) if name in there else None, mine, renew=spec.renews_data)
            for name in wanted
        }
        kept = {name for name, why in found.items() if why is Origin.KEPT}
        for name in there.keys() - kept:
            if not await remove_volume(self.engine, name) and name in wanted:
                raise _unusable(f"a container has the volume {name}, which has to be removed")
        for name, (service, path) in wanted.items():
            writer.line(f"{service} {found[name]}: {path}")
            if name not in kept:
                await self._create(name, mine)
        return Data(self._by_service(spec), not kept)

    async def remove(self, holder: Holder, *, of_earlier_runs: bool) -> None:
        """Remove those that this holder and older ones have made, or only those of the holder's run."""
        for name, one in (await self._all()).items():
            if may_remove(_labels(one), holder) and (of_earlier_runs or same_run(_labels(one), holder)):
                await remove_volume(self.engine, name)

    async def _create(self, name: str, wanted: Mapping[str, str]) -> None:
        """Create a volume. If its name is taken, the engine answers with the one that has it."""
        made = await self.engine.short(lambda api: api.create_volume(name, labels=dict(wanted)))
        if not wanted.items() <= _labels(made).items():
            raise _unusable(f"the volume {name} exists already, and is not of this deployment")

    def _by_service(self, spec: EnvironmentSpec) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for name, (service, path) in self._wanted(spec).items():
            found.setdefault(service, {})[path] = name
        return found

    def _wanted(self, spec: EnvironmentSpec) -> dict[str, tuple[str, str]]:
        """Return service and path of each volume, by its name."""
        return {
            naming.volume(self.key, service.name, path, self.instance): (service.name, path)
            for service in (spec.services if spec.keeps_data else ())
            for path in service.volumes
        }

    async def _all(self) -> dict[str, Mapping[str, Any]]:
        wanted = labels.matching(labels.of_environment(self.instance, self.key))
        found = await self.engine.short(lambda api: api.volumes(filters=wanted))
        return {str(one["Name"]): one for one in found.get("Volumes") or () if LABEL_DATA in _labels(one)}


def _labels(found: Mapping[str, Any]) -> Mapping[str, str]:
    return found.get("Labels") or {}


def _unusable(message: str) -> RetryLater:
    return RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": message})
