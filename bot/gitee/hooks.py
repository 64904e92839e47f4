"""Lists the webhooks of a repository; needs a token with the `hook` scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.gitee.errors import unreadable
from bot.gitee.transport import Call, Transport
from bot.model.errors import GiveUp
from bot.model.forge import RepoPath
from bot.model.reason import Reason

_HOOKS = "/repos/{owner}/{repo}/hooks"


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
    """Lists webhooks. Raises RetryLater and GiveUp(GITEE_DENIED)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def hooks(self, repo: RepoPath) -> tuple[Hook, ...]:
        """Return the first hundred hooks of a repository."""
        call = Call("GET", _HOOKS, {"owner": repo.owner, "repo": repo.name}, {"per_page": 100})
        return tuple(_hook(call, each) for each in await self._found(call))

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
