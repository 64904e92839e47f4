"""What to tell about a pull request that changes `.chatops.yml`: checked now, in force once merged."""

from dataclasses import dataclass

from bot.engine.deciding.facts import FactGatherer
from bot.model.forge import PullRequest
from bot.model.run import Note
from bot.model.views import ConfigBroken, ConfigChanged
from bot.pipeline import config_file

CHANGED = Note("config_changed", {"file": config_file.FILE})


@dataclass(frozen=True, slots=True)
class ConfigNotice:
    """Reads the proposed configuration."""

    gatherer: FactGatherer

    async def read(self, pull: PullRequest, files: tuple[str, ...]) -> ConfigBroken | ConfigChanged | None:
        """Return what to say, or None when the file is not touched (or removed, which needs no words)."""
        if not config_file.changed(files):
            return None
        proposed = await self.gatherer.proposed(pull)
        if proposed is None:
            return None
        if isinstance(proposed, ConfigBroken):
            return proposed
        return ConfigChanged(config_file.FILE)
