"""Reads a repository's history: commits, diffs, trees and files at a revision."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from playground.events import PushedCommit
from playground.git_repositories import ZERO, GitRepository
from playground.state import PullFacts

_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%cI%x00%B%x00"
_HEADER = re.compile(rb"^diff --git ", re.MULTILINE)
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The empty tree, which exists in every git repository."""
_MAX_PULL_COMMITS = 250
_MAX_PULL_FILES = 300


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file in a diff. `status` is added, deleted, renamed or modified; `diff` contains the hunks."""

    path: str
    old_path: str
    status: str
    additions: int
    deletions: int
    old_mode: str
    new_mode: str
    diff: str


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """An entry of a tree. `kind` is blob, tree or commit; blobs have a `size` in bytes."""

    path: str
    mode: str
    kind: str
    sha: str
    size: int | None


async def commits(
    repository: GitRepository, *selection: str, limit: int = _MAX_PULL_COMMITS
) -> list[PushedCommit]:
    """Return the commits that `git log` selects, newest first, without their files."""
    out = await repository.run("log", "-z", f"--max-count={limit}", f"--format={_FORMAT}", *selection, "--")
    fields = out.decode(errors="replace").split("\0")
    # A commit has seven fields, and -z adds one more NUL between commits.
    rows = [fields[start : start + 7] for start in range(0, len(fields) - 7, 8)]
    return [
        PushedCommit(row[0], row[1], tuple(row[2].split()), row[3], row[4], row[5], row[6]) for row in rows
    ]


async def with_paths(repository: GitRepository, commit: PushedCommit) -> PushedCommit:
    """Return the commit with the paths that it added, removed and modified."""
    out = await repository.run(
        "diff-tree", "--root", "-r", "-z", "--no-commit-id", "--name-status", commit.sha
    )
    parts = out.decode(errors="replace").split("\0")
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    by_letter = {letter: tuple(path for kind, path in pairs if kind == letter) for letter in "ADM"}
    return PushedCommit(
        commit.sha, commit.tree, commit.parents, commit.author_name, commit.author_email, commit.time,
        commit.message, added=by_letter["A"], removed=by_letter["D"], modified=by_letter["M"],
    )  # fmt: skip


async def pushed_commits(repository: GitRepository, before: str, after: str) -> tuple[PushedCommit, ...]:
    """Return the commits of a push, oldest first; none if the branch was deleted."""
    if after == ZERO:
        return ()
    selection = (after,) if before == ZERO else (f"{before}..{after}",)
    listed = await commits(repository, *selection, limit=10)
    return tuple([await with_paths(repository, commit) for commit in reversed(listed)])


async def merge_base(repository: GitRepository, base: str, head: str) -> str:
    """Return the merge base of both; the base itself if they share no history."""
    out = await repository.run("merge-base", base, head, allow=(0, 1))
    return out.decode().strip() or base


async def changed_files(repository: GitRepository, base: str, head: str) -> list[FileChange]:
    """Return the files that differ between base and head, with renames detected."""
    options = ("-M", "--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
    raw = await repository.run("diff", "-z", "--raw", "--numstat", "--no-abbrev", *options, base, head)
    patch = await repository.run("diff", *options, base, head)
    hunks = iter([_hunks(part) for part in _HEADER.split(patch)[1:]])
    return _file_changes(raw.decode(errors="replace"), hunks)[:_MAX_PULL_FILES]


def _hunks(part: bytes) -> str:
    start = part.find(b"\n@@")
    return part[start + 1 :].decode(errors="replace") if start >= 0 else ""


_STATUS = {"A": "added", "D": "deleted", "R": "renamed"}


def _file_changes(output: str, hunks: Iterator[str]) -> list[FileChange]:
    """Combine the raw lines, the line counts and the hunks, which are in the same order."""
    parts = iter(output.split("\0"))
    raw: list[tuple[list[str], str, str]] = []
    counts: list[tuple[int, int]] = []
    for part in parts:
        if part.startswith(":"):
            columns = part[1:].split(" ")
            old = next(parts)
            raw.append((columns, old, next(parts) if columns[4][0] in "RC" else old))
        elif part:
            added, removed, path = part.split("\t", 2)
            counts.append((_number(added), _number(removed)))
            if not path:
                next(parts), next(parts)
    return [
        FileChange(
            path=new,
            old_path=old,
            status=_STATUS.get(columns[4][0], "modified"),
            additions=count[0],
            deletions=count[1],
            old_mode=columns[0].lstrip("0") or "0",
            new_mode=columns[1].lstrip("0") or "0",
            # git shows a file that became a link, or the reverse, as a deletion and an addition.
            diff="".join(next(hunks, "") for _ in range(2 if columns[4] == "T" else 1)),
        )
        for (columns, old, new), count in zip(raw, counts, strict=True)
    ]


def _number(text: str) -> int:
    """Return a line count; git prints `-` for binary files."""
    return int(text) if text.isdigit() else 0


async def pull_facts(repository: GitRepository, base: str, head: str) -> PullFacts:
    """Return the counts of a pull request, without its merge commit."""
    since = await merge_base(repository, base, head)
    files = await changed_files(repository, since, head)
    count = await repository.text("rev-list", "--count", f"{base}..{head}")
    return PullFacts(
        commits=int(count),
        additions=sum(file.additions for file in files),
        deletions=sum(file.deletions for file in files),
        changed_files=len(files),
    )


async def tree(
    repository: GitRepository, revision: str, *, recursive: bool, below: str = ""
) -> list[TreeEntry] | None:
    """Return the entries of a tree; None if the revision or the folder does not exist."""
    options = ("-r", "-t") if recursive else ()
    where = f"{revision}:{below}" if below else f"{revision}^{{tree}}"
    if (
        revision.startswith("-")
        or (await repository.run("cat-file", "-t", where, allow=(0, 128))).strip() != b"tree"
    ):
        return None
    out = await repository.run("ls-tree", "-z", "-l", *options, where)
    return [_entry(row) for row in out.decode(errors="replace").split("\0") if row]


def _entry(row: str) -> TreeEntry:
    facts, path = row.split("\t", 1)
    mode, kind, sha, size = facts.split()
    return TreeEntry(path, mode, kind, sha, int(size) if size.isdigit() else None)


async def blob(repository: GitRepository, revision: str, path: str) -> tuple[str, bytes] | None:
    """Return a file's blob sha and content at a revision; None if it does not exist."""
    if revision.startswith("-") or not path:
        return None
    name = f"{revision}:{path}"
    if (await repository.run("cat-file", "-t", name, allow=(0, 128))).strip() != b"blob":
        return None
    return await repository.text("rev-parse", name), await repository.run("cat-file", "blob", name)
