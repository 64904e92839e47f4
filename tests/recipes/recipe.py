"""The repositories of docs/recipes.md, and what people see of their previews."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playground.demo_bases import STAND_INS, offline
from playground.git_repositories import folder_files

ROOT = Path(__file__).parents[2]
REPOSITORIES = Path(__file__).parent / "repositories"
IMAGES = {
    **STAND_INS,
    "busybox:1.36": "chatops-demo-base:3.11",
    "node:18-slim": "chatops-node-base:18",
    "registry.example.com/team/browser:12": "chatops-browser-base:12",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A repository as a team has it."""

    name: str
    folder: Path
    says: str
    """A part of the page at `/` of its preview."""
    tests: str
    """What the comment says about its tests."""
    change: Mapping[str, str]
    """Files that the pull request changes."""
    public: Mapping[str, str] = field(default_factory=dict)
    """Parts of the pages of public services, by their names."""

    def files(self, mirror: str = "npm.example.com:4873") -> dict[str, str]:
        """Return its files; the images and the mirror that they name are on this machine."""
        files = offline(folder_files(self.folder), IMAGES)
        return {path: data.decode().replace("npm.example.com:4873", mirror) for path, data in files.items()}


RECIPES = (
    Recipe(
        "monorepo",
        ROOT / "playground/demo_shop",
        says="普洱",
        tests="3 passed",
        change={"README.md": "# 茶铺\n"},
        public={"api": "龙井"},
    ),
    Recipe(
        "compose",
        REPOSITORIES / "compose",
        says="welcome-to-the-shop, visitor 1",
        tests="",
        change={"README.md": "# Shop\n"},
    ),
    Recipe(
        "private_mirror",
        REPOSITORIES / "private_mirror",
        says="<h1>Hello, preview</h1>",
        tests="passed",
        change={"README.md": "# Shop\n"},
    ),
    Recipe(
        "writes_beside_code",
        REPOSITORIES / "writes_beside_code",
        says="buy tea\ncall lin",
        tests="passed",
        change={"README.md": "# Notes\n"},
    ),
    Recipe(
        "browser_tests",
        REPOSITORIES / "browser_tests",
        says="Your cart is empty.",
        tests="1 passed",
        change={"README.md": "# Cart\n"},
    ),
)
