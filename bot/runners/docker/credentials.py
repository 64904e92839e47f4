"""Who the bot is to registries: the settings' own account first, then what the Docker CLI knows."""

import asyncio
from typing import Any

from docker import auth

from bot.model.account import RegistryAccount


class Credentials:
    """Makes the headers that the engine passes on to registries."""

    def __init__(self, *accounts: RegistryAccount) -> None:
        self._accounts = {account.host: account for account in accounts}

    async def header(self, reference: str) -> dict[str, str]:
        """Return X-Registry-Auth for an image's registry; empty credentials when there are none."""
        # Credential stores are programs: never run them in the loop.
        found = await asyncio.to_thread(self._find, reference)
        return {"X-Registry-Auth": _encoded(found)}

    async def all(self) -> dict[str, str]:
        """Return X-Registry-Config, with which the classic builder pulls private base images."""
        return {"X-Registry-Config": _encoded(await asyncio.to_thread(self._every))}

    async def known(self, reference: str) -> bool:
        """Say whether there is an account for an image's registry."""
        return bool(await asyncio.to_thread(self._find, reference))

    def _find(self, reference: str) -> dict[str, Any]:
        registry, _ = auth.resolve_repository_name(reference.partition("@")[0])
        account = self._accounts.get(registry)
        if account is not None:
            return _entry(account)
        return auth.load_config().resolve_authconfig(registry) or {}

    def _every(self) -> dict[str, Any]:
        stored = auth.load_config().get_all_credentials()  # type: ignore[no-untyped-call] # the stubs leave it bare
        return {**stored, **{account.host: _entry(account) for account in self._accounts.values()}}


def _entry(account: RegistryAccount) -> dict[str, Any]:
    return {
        "username": account.username,
        "password": account.password,
        "serveraddress": account.host,
    }


def _encoded(found: dict[str, Any]) -> str:
    return auth.encode_header(found).decode()
