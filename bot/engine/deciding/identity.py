"""The bot's account at Gitee, read when first needed, so that a bot can start while Gitee is down."""

import asyncio
from dataclasses import dataclass, field

from bot.ports import Forge


@dataclass(slots=True)
class Identity:
    """The bot's own account."""

    forge: Forge
    _login: str = ""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def login(self) -> str:
        """Return the bot's login, which is read once. Raises what `Forge.whoami` raises."""
        async with self._lock:
            if not self._login:
                self._login = (await self.forge.whoami()).login
        return self._login

    async def is_me(self, login: str) -> bool:
        """Return whether this is the bot's own login; Gitee's logins ignore case."""
        return login.lower() == (await self.login()).lower()
