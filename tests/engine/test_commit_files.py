"""Files of commits are read once, however many decisions need them."""

from datetime import UTC, datetime
from typing import Any

from bot.engine.deciding.cache import BriefCache
from bot.engine.deciding.commit_files import CommitFiles
from bot.model.forge import RepoPath
from bot.pipeline.decoding import MAX_BYTES

REPO = RepoPath("team", "shop")


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC)


class Gitee:
    """Counts calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def root_files(self, repo: RepoPath, ref: str) -> tuple[str, ...]:
        self.calls.append(f"root of {repo} at {ref}")
        return ("compose.yaml", *(f"other-{number}" for number in range(10_000)))

    async def file(self, repo: RepoPath, path: str, ref: str) -> bytes | None:
        self.calls.append(f"{path} of {repo} at {ref}")
        return None if path == "missing" else b"x" * 2 * MAX_BYTES


async def test_files_and_lists_of_a_commit_are_remembered() -> None:
    gitee: Any = Gitee()
    files = CommitFiles(gitee, BriefCache(Clock()), BriefCache(Clock()))
    for _ in range(2):
        assert await files.names(REPO, "a") == ("compose.yaml",)
        found = await files.read(REPO, "a", ["compose.yaml", "missing"])
        assert {path: content and len(content) for path, content in found.items()} == {
            "compose.yaml": MAX_BYTES + 1,
            "missing": None,
        }
    assert gitee.calls == [
        "root of team/shop at a",
        "compose.yaml of team/shop at a",
        "missing of team/shop at a",
    ]
    await files.read(REPO, "b", ["missing"])
    assert gitee.calls[3:] == ["missing of team/shop at b"]
