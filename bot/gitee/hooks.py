"""Manages the webhooks of a repository; needs a token with the `hook` scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.gitee.errors import unreadable
from bot.gitee.signature import Mode
from bot.gitee.transport import Call, Transport
from bot.model.errors import GiveUp
from bot.model.forge import RepoPath
from bot.model.reason import Reason

_HOOKS = "/repos/{owner}/{repo}/hooks"
_HOOK = _HOOKS + "/{id}"


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of a repository, without its password, which Gitee returns."""

    id: int
    url: str
    comments: bool
    """Whether it is sent for comments."""
    pulls: bool
    """Whether it is sent for pull requests."""
    last_status: int | None = None
    """HTTP status of the last delivery; None before the first."""


class Hooks:
    """Lists, adds, removes and tests webhooks. Raises RetryLater and GiveUp(GITEE_DENIED)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def hooks(self, repo: RepoPath) -> tuple[Hook, ...]:
        """Return the first hundred hooks of a repository."""
        call = Call("GET", _HOOKS, _at(repo), {"per_page": 100})
        return tuple(_hook(call, each) for each in await self._found(call))

    async def add_hook(self, repo: RepoPath, url: str, secret: str, mode: Mode = Mode.SIGN) -> Hook:
        """Add a hook for comments and pull requests only; Gitee's default is pushes."""
        body = {
            "url": url,
            "encryption_type": 0 if mode is Mode.PASSWORD else 1,
            "password": secret,
            "push_events": False,
            "tag_push_events": False,
            "issues_events": False,
            "note_events": True,
            "merge_requests_events": True,
        }
        call = Call("POST", _HOOKS, _at(repo), body=body)
        return _hook(call, await self._found(call))

    async def remove_hook(self, repo: RepoPath, hook_id: int) -> bool:
        """Remove a hook; False if it does not exist."""
        call = Call("DELETE", _HOOK, _at(repo, id=hook_id))
        return (await self._transport.send(call)).is_success

    async def test_hook(self, repo: RepoPath, hook_id: int) -> bool:
        """Make Gitee send a ping; False if the hook does not exist."""
        call = Call("POST", _HOOK + "/tests", _at(repo, id=hook_id))
        return (await self._transport.send(call)).is_success

    async def _found(self, call: Call) -> Any:
        data = await self._transport.json(call)
        if data is None:
            raise GiveUp(Reason.GITEE_DENIED, {"message": f"{call}: 404, or not visible to the token"})
        return data


def _hook(call: Call, data: Any) -> Hook:
    if not isinstance(data, Mapping) or not isinstance(data.get("id"), int):
        raise unreadable(str(call), "the answer is not a webhook")
    code = data.get("result_code")
    return Hook(
        id=data["id"],
        url=str(data.get("url") or ""),
        comments=data.get("note_events") is True,
        pulls=data.get("merge_requests_events") is True,
        last_status=code if isinstance(code, int) else None,
    )


def _at(repo: RepoPath, **values: object) -> dict[str, object]:
    return {"owner": repo.owner, "repo": repo.name, **values}
