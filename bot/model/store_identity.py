"""The identity of a store: by it the bot knows which comments and environments are its own."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """A random name of the store, and since when it exists."""

    id: str
    """Eight lower-case letters and digits."""
    created_at: datetime
    """What is older may belong to a store that was lost; what is younger cannot."""
