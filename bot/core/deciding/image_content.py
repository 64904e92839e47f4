"""What an image is made of: which of its files count, as `paths` of `.chatops.yml` chooses them.

An image with `paths` is used again for a later commit of its pull request if its content is the same.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from bot.core import paths
from bot.model.pipeline import BuildConfig
from bot.model.run import Image

LARGEST_LISTING = 16 << 20
"""Bytes of the list of a commit's files, about 150,000; beyond that, an image is always built."""


def content(listing: bytes, patterns: Sequence[str], files: Collection[str], facts: Sequence[Any]) -> str:
    """Return a hash of the chosen files and of `facts`.

    `listing` is what `git ls-tree -r -z` returns. `patterns` choose as in .gitignore, `files` count anyway.
    """
    chosen = hashlib.sha256(json.dumps(facts).encode())
    for entry in listing.split(b"\0")[:-1]:
        path = entry.partition(b"\t")[2].decode("utf-8", "surrogateescape")
        if path in files or paths.listed(patterns, path):
            chosen.update(entry + b"\0")
    return chosen.hexdigest()


def facts(config: BuildConfig, dockerfile: str, *, trusted: bool) -> tuple[Any, ...]:
    """Return what decides about an image besides its files; one of an untrusted commit is another one."""
    args, files = sorted(config.args.items()), sorted(config.files.items())
    given = (config.context, config.target, config.inline, args, files, sorted(config.secrets))
    return (trusted, dockerfile, *given)


def always(config: BuildConfig, dockerfile: str) -> tuple[str, ...]:
    """Return the files that count in any case: the Dockerfile, and what keeps files out of the context."""
    context = "" if config.context == "." else f"{config.context.rstrip('/').removeprefix('./')}/"
    return dockerfile, f"{dockerfile}.dockerignore", f"{context}.dockerignore"


def built_before(images: Iterable[Image], name: str, content: str) -> tuple[Image, ...]:
    """Return the images of this name and content, of each reference one."""
    found = [one for one in images if content and one.name == name and one.content == content]
    return tuple({one.reference: one for one in reversed(found)}.values())
