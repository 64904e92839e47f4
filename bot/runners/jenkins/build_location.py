"""Location of a queue item or build in Jenkins, and its format in the store."""

import re
from dataclasses import dataclass

_HANDLE = re.compile(r"(?:item ([0-9]{1,18}))?(?: ?build ([0-9]{1,18}) offset ([0-9]{1,18}))?")


@dataclass(frozen=True, slots=True)
class BuildLocation:
    """A queue item, and the build that it became; `offset` is how much of the log was copied."""

    item: int | None = None
    build: int | None = None
    offset: int = 0

    def handle(self, key: str) -> str:
        """Format the location for the job with this key."""
        parts = (
            key,
            f"item {self.item}" if self.item is not None else "",
            f"build {self.build} offset {self.offset}" if self.build is not None else "",
        )
        return " ".join(part for part in parts if part)


def read(handle: str, key: str) -> BuildLocation | None:
    """Parse a handle; None if it is empty, invalid or belongs to another key."""
    owner, _, rest = handle.partition(" ")
    found = _HANDLE.fullmatch(rest)
    if owner != key or not rest or found is None:
        return None
    item, build, offset = (int(text) if text else None for text in found.groups())
    return BuildLocation(item, build, offset or 0)
