"""Where a piece of work stands in Jenkins, as a line of text that the store keeps."""

import re
from dataclasses import dataclass

_HANDLE = re.compile(r"(?:item ([0-9]{1,18}))?(?: ?build ([0-9]{1,18}) offset ([0-9]{1,18}))?")


@dataclass(frozen=True, slots=True)
class BuildLocation:
    """A queue item, and the build that it became; `offset` is how much of its log was brought."""

    item: int | None = None
    build: int | None = None
    offset: int = 0

    def handle(self, key: str) -> str:
        """Return the line about the work that has this key."""
        parts = (
            key,
            f"item {self.item}" if self.item is not None else "",
            f"build {self.build} offset {self.offset}" if self.build is not None else "",
        )
        return " ".join(part for part in parts if part)


def read(handle: str, key: str) -> BuildLocation | None:
    """Read the line; None for one about other work, or for none at all."""
    owner, _, rest = handle.partition(" ")
    found = _HANDLE.fullmatch(rest)
    if owner != key or not rest or found is None:
        return None
    item, build, offset = (int(text) if text else None for text in found.groups())
    return BuildLocation(item, build, offset or 0)
