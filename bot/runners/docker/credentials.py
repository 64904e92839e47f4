"""The bot's accounts at registries: those of its settings first, then those that the Docker CLI knows."""

import asyncio
from typing import Any

from docker import auth

from bot.core.admission.images import ImagePolicy
from bot.model.account import RegistryAccount


class Credentials:
    """Makes the headers that the engine passes on to registries."""

    def __init__(self, *accounts: RegistryAccount, policy: ImagePolicy | None = None) -> None:
        self._accounts = {account.host: account for account in accounts}
        self._policy = policy or ImagePolicy()

    async def to_push(self, reference: str) -> dict[str, str]:
        """Return X-Registry-Auth for an image's registry; empty credentials when there is no account."""
        # The CLI's credential stores are programs: they must not run in the event loop.
        return _header(await asyncio.to_thread(self._find, reference))

    async def to_pull(self, reference: str, own: str) -> dict[str, str]:
        """Return the same for a pull, without an account for what does not belong to the repository."""
        return await self.to_push(reference) if self._policy.entrusts(reference, own) else _header({})

    def _find(self, reference: str) -> dict[str, Any]:
        registry, _ = auth.resolve_repository_name(reference.partition("@")[0])
        account = self._accounts.get(registry)
        if account is None:
            return auth.load_config().resolve_authconfig(registry) or {}
        return {
            "username": account.username,
            "password": account.password,
            "serveraddress": account.host,
        }


def _header(account: dict[str, Any]) -> dict[str, str]:
    return {"X-Registry-Auth": auth.encode_header(account).decode()}
