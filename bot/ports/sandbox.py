"""The sandbox: where functions read what a pull request wrote, outside the event loop and within limits."""

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from bot.model.limits import SandboxLimits

P = ParamSpec("P")
T = TypeVar("T")


class Sandbox(Protocol):
    """Calls pure functions in processes with limited time and memory, without environment or secrets."""

    async def call(
        self, limits: SandboxLimits, name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what a function of a module returns, or raise the error of the bot that it raises.

        `name` is what people call the input, such as a path. Raises TooExpensive if a limit is reached.
        """
        ...
