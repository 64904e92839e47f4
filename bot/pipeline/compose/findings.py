"""What the conversion of a Compose file has found: the keys of `.chatops.yml`, and problems."""

from dataclasses import dataclass, field
from typing import Any

from bot.model.text import Text
from bot.pipeline.yaml_tree import Path, Tree


@dataclass(slots=True)
class Findings:
    """The conversion's result. `origins` are paths in the Compose file by those in `.chatops.yml`."""

    tree: dict[str, Tree] = field(default_factory=dict)
    origins: dict[Path, Path] = field(default_factory=dict)
    problems: list[tuple[Path, Text, str]] = field(default_factory=list)
    """Paths in the Compose file, and what was probably meant."""

    def put(self, path: tuple[str, ...], value: Tree, origin: Path) -> None:
        """Set a key, which comes from this place."""
        section: Any = self.tree
        for part in path[:-1]:
            section = section.setdefault(part, {})
        section[path[-1]] = value
        self.origins[path] = origin

    def wrong(self, path: Path, message: Text, suggestion: str = "") -> None:
        """Add a problem."""
        self.problems.append((path, message, suggestion))
