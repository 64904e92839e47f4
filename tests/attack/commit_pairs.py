"""Makes two commits whose ids begin with the same eight digits, as a stranger can in a second."""

import hashlib
from dataclasses import dataclass

from playground.git_repositories import GitRepository
from playground.state import User
from tests.dialogue.tester import BotTester

DIGITS = 8
TRIES = 1_000_000


@dataclass(frozen=True)
class Pair:
    """Two commits that could follow the head of a pull request; only the first is harmless."""

    good: str
    evil: str


async def pair_of_commits(tester: BotTester, by: User) -> Pair:
    """Add two such commits to the fork of the current pull request."""
    fork = tester.pull.head_repository
    assert fork is not None
    git, head = tester.gitee.forge.git(fork), tester.head
    evil = await git.commit("evil", {"app.py": "print('evil')\n"}, by, "Evil\n", head)
    trees = [await git.text("rev-parse", f"{one}^{{tree}}") for one in (head, evil)]
    texts = _collision([f"tree {tree.strip()}\nparent {head}\n" for tree in trees])
    pair = Pair(*[await _stored(git, text) for text in texts])
    assert pair.good[:DIGITS] == pair.evil[:DIGITS]
    assert pair.good != pair.evil
    return pair


def _collision(beginnings: list[str]) -> tuple[str, str]:
    seen: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for number in range(TRIES):
        for index, beginning in enumerate(beginnings):
            text = f"{beginning}author a <a@b.c> 1 +0000\ncommitter a <a@b.c> 1 +0000\n\n{number}\n"
            digest = hashlib.sha1(f"commit {len(text)}\0{text}".encode())  # noqa: S324 - git's hash
            prefix = digest.hexdigest()[:DIGITS]
            seen[index][prefix] = text
            if prefix in seen[1 - index]:
                return seen[0][prefix], seen[1][prefix]
    raise AssertionError("no two of the commits begin alike")


async def _stored(git: GitRepository, text: str) -> str:
    output = await git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
    return output.decode().strip()
