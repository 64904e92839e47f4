"""The output of a service in an environment: the deployed one, or a database beside it."""

from dataclasses import dataclass

from bot.model.run import Run


@dataclass(frozen=True, slots=True)
class ServiceLog:
    """The last lines of one service's output."""

    name: str
    """The part that wrote it, such as `app` or `db`."""
    run: Run
    """The run that deployed it."""
    text: str = ""
    """Hostile text, secrets masked."""
    kept: bool = False
    """Whether the service is gone, and this is what it wrote last."""
