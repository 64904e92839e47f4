"""A Gitee with prepared answers, for what the offline Gitee never does: stalls and invalid answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.gitee.client import GiteeClient
from bot.gitee.transport import Transport
from bot.sandbox.process import ProcessSandbox
from tests.gitee.samples import NOW

API = "https://gitee.example/api/v5"
TOKEN = "sesame-open"

Answer = httpx.Response | Exception


@dataclass
class Prepared:
    """Answers in order, repeating the last one; records requests and waits."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.transport = Transport(
            API,
            TOKEN,
            ProcessSandbox(),
            http=self.http,
            sleep=self._sleep,
            now=lambda: NOW,
        )
        self.client = GiteeClient(self.transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def json_response(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Return an answer with a JSON body."""
    return httpx.Response(status, json=body if body is not None else {}, headers=headers)
