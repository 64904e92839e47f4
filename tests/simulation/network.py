"""The network between processes and what they talk to: requests and answers take time, and can be lost."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from bot.model.errors import ChatOpsError
from tests.simulation.loop import PROCESS, VirtualLoop

T = TypeVar("T")


class Loses(StrEnum):
    """What a broken connection loses. Lost requests arrive late, if at all: when it works again."""

    REQUESTS = "requests"
    ANSWERS = "answers"
    BOTH = "both"


@dataclass(slots=True)
class Peer:
    """A server: nothing that it is asked happens before `busy_until`."""

    busy_until: float = 0.0


@dataclass(slots=True)
class Link:
    """The connection of one process to one peer."""

    peer: Peer
    mean: float
    """Average time of a request or an answer, in seconds."""
    loses: Loses | None = None
    held: list[Callable[[], None]] = field(default_factory=list)
    """Requests on their way, which arrive when the connection works again."""

    @property
    def loses_requests(self) -> bool:
        """Whether requests do not arrive."""
        return self.loses in {Loses.REQUESTS, Loses.BOTH}

    @property
    def loses_answers(self) -> bool:
        """Whether answers do not arrive."""
        return self.loses in {Loses.ANSWERS, Loses.BOTH}


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request: it takes effect late, its answer is lost."""

    late: float = 0.0
    answered: bool = True


ORDINARY = Fate()


@dataclass(slots=True)
class Network:
    """Carries requests. Only the seed decides how long they take."""

    loop: VirtualLoop
    chance: random.Random

    async def ask(
        self,
        link: Link,
        do: Callable[[], T],
        *,
        patience: float,
        unanswered: Callable[[], Exception],
        fate: Fate = ORDINARY,
        answers: list["asyncio.Future[T | Exception]"] | None = None,
    ) -> T:
        """Have a peer do something and return its answer, or raise the error that it answers.

        Raises `unanswered` after `patience` seconds. A process that was killed asks for nothing any more.
        """
        process = PROCESS.get()
        if process is not None and process.dead:
            raise asyncio.CancelledError
        answer: asyncio.Future[T | Exception] = self.loop.create_future()
        if answers is not None:
            answers[:] = [one for one in answers if not one.done()]
            answers.append(answer)
        self.loop.outside(self._time(link) + fate.late, lambda: self._arrive(link, do, answer, fate))
        try:
            async with asyncio.timeout(patience):
                found = await answer
        except TimeoutError:
            raise unanswered() from None
        if isinstance(found, Exception):
            raise found
        return found

    def tell(self, link: Link, do: Callable[[], object]) -> None:
        """Have a peer do something if the message arrives, such as the end of a connection."""
        self.loop.outside(self._time(link), lambda: None if link.loses_requests else do())

    def send(self, link: Link, do: Callable[[], object]) -> None:
        """Send a message of a peer, which nobody asked for."""
        self.loop.outside(self._time(link), lambda: None if link.loses_answers else do())

    def heal(self, link: Link) -> None:
        """Let a connection work again; some of what was on its way arrives now."""
        link.loses = None
        held, link.held = link.held, []
        for arrive in held:
            if self.chance.random() < 0.5:
                self.loop.outside(self._time(link), arrive)

    def _time(self, link: Link) -> float:
        return self.chance.expovariate(1 / link.mean)

    def _arrive(
        self, link: Link, do: Callable[[], T], answer: "asyncio.Future[T | Exception]", fate: Fate
    ) -> None:
        again = lambda: self._arrive(link, do, answer, fate)  # noqa: E731 - scheduled twice below
        if link.loses_requests:
            link.held.append(again)
            return
        if link.peer.busy_until > self.loop.time():
            self.loop.outside(link.peer.busy_until - self.loop.time() + self._time(link), again)
            return
        found: T | Exception
        try:
            found = do()
        except Exception as error:  # noqa: BLE001 - whatever a statement raises is raised at the client
            found = error
        if fate.answered:
            self.loop.outside(self._time(link), lambda: self._return(link, answer, found))

    def _return(self, link: Link, answer: "asyncio.Future[T | Exception]", found: T | Exception) -> None:
        if not link.loses_answers and not answer.done():
            answer.set_result(found)


def failing(error: ChatOpsError) -> Callable[[], ChatOpsError]:
    """Return a function that returns this error."""
    return lambda: error
