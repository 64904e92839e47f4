"""Who the bot is at Gitee, asked once, when it is first needed: a bot starts while Gitee is down."""

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
        """Return the bot's login. Raises what `Forge.whoami` raises, until it has been told once."""
        async with self._lock:
            if not self._login:
                self._login = (await self.forge.whoami()).login
        return self._login

    async def is_me(self, login: str) -> bool:
        """Whether this is the bot's own login; Gitee's logins ignore case."""
        return login.lower() == (await self.login()).lower()
