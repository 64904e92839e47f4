"""Parts of deployed environments, as a look at their runner finds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Part:
    """A container on Docker, a workload on Kubernetes."""

    id: str
    """Identifies it at its runner, also after a restart."""
    name: str
    up: bool
    """Whether it runs, and does not fail its health check."""
    serves: bool = True
    """Whether an environment without it is gone; a database beside the service is not such a part."""
    restarts: int | None = None
    """How often it has been restarted; None if the look did not tell, because it runs undisturbed."""
    made_at: datetime | None = None
    run: int = 0
    """The run that created it; 0 if its runner never has parts of two deployments of an environment."""
    store: str = ""
    """Identity of the store that gave out the run's number; empty if the look did not tell."""
    reason: Reason | None = None
    """Why it is not up, or was restarted last; None if it runs undisturbed."""
    facts: Mapping[str, str] = field(default_factory=dict)
    output_of: tuple[str, ...] = ()
    """Names what has the output that explains it, as its runner needs it."""
