"""Who the bot is: its account at Gitee, its name in the settings, and its store."""

import asyncio
from dataclasses import dataclass, field

from bot.core.markers import Owner
from bot.engine.records import IdentityRecords
from bot.ports import Forge


@dataclass(slots=True)
class Identity:
    """The bot's own account, which is read when first needed, so that a bot can start while Gitee is down."""

    forge: Forge
    instance: str
    """Its name among several bots."""
    stores: IdentityRecords
    _login: str = ""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def login(self) -> str:
        """Return the bot's login, which is read once. Raises what `Forge.whoami` raises."""
        async with self._lock:
            if not self._login:
                self._login = (await self.forge.whoami()).login
        return self._login

    async def owner(self) -> Owner:
        """Return what the bot's markers contain. Raises what the store raises."""
        return Owner(self.instance, (await self.stores.current()).id)

    async def is_me(self, login: str) -> bool:
        """Return whether this is the bot's own login; Gitee's logins ignore case."""
        return login.lower() == (await self.login()).lower()
