"""Hidden markers by which the bot recognizes its own comments, each the last line of its comment.

    <!-- chatops:run=7 uid=x7k2p9 by=chatops/k3f9q2xa unfinished -->

It says what the comment is about, and which bot wrote it, with which store. A store that was lost or restored
gives out numbers of runs again, so the marker of a run has its random `uid` as well. Anybody can write such a
line: it counts only in comments of the bot's own account.
"""

import hashlib
import re
from dataclasses import dataclass

from bot.core.naming import PREFIX, slug
from bot.model.run import Run

REQUEST = f"<!-- {PREFIX}:approval="
"""Prefix of the keys of all requests to approve a commit."""

_BRANCH_HASH = 16
_LONGEST = 300
_RUN_KINDS = ("run", "failed", "ready")
_PART = r"[A-Za-z0-9_]{1,80}(?:[-.][A-Za-z0-9_]{1,80}){0,20}"
_INSTANCE = r"(?=[a-z0-9-]{1,31}/)[a-z0-9](?:-?[a-z0-9]){0,30}"
_VALID = re.compile(_PART, re.ASCII)
_MARKER = re.compile(
    rf"<!-- {PREFIX}:(?P<kind>{_PART})=(?P<identifier>{_PART})"
    r"(?: uid=(?P<uid>[a-z0-9]{1,16}))?"
    rf"(?: by=(?P<instance>{_INSTANCE})/(?P<store>[a-z0-9]{{1,16}})(?P<unfinished> unfinished)?)? -->",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Owner:
    """The bot that wrote a comment."""

    instance: str
    """Its name in the settings, without what could end an HTML comment."""
    store: str
    """Id of its store."""

    def __post_init__(self) -> None:
        """Join hyphens."""
        object.__setattr__(self, "instance", re.sub("-+", "-", self.instance).strip("-"))

    @property
    def text(self) -> str:
        """Both, as a marker contains them."""
        return f"{self.instance}/{self.store}"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a comment of the bot is about. Raises ValueError if a part could end the HTML comment early."""

    kind: str
    identifier: str
    uid: str = ""
    """Of the run that it is about; empty for other comments, and for runs of earlier versions of the bot."""

    def __post_init__(self) -> None:
        """Check the parts."""
        for part in (self.kind, self.identifier, self.uid or "0"):
            if not _VALID.fullmatch(part):
                raise ValueError(f"not fit for a marker: {part!r}")

    @property
    def key(self) -> str:
        """The key under which the store records the comment: the marker that earlier versions wrote."""
        return f"<!-- {PREFIX}:{self.kind}={self.identifier} -->"

    @property
    def run(self) -> int | None:
        """Number of the run whose progress the comment shows, None for other comments."""
        number = self.identifier if self.kind == "run" else ""
        return int(number) if re.fullmatch("[0-9]{1,9}", number, re.ASCII) else None

    @property
    def of_run(self) -> int | None:
        """Number of the run that the comment is about, None for other comments."""
        return Marker("run", self.identifier).run if self.kind in _RUN_KINDS else None

    def text(self, owner: Owner, *, unfinished: bool = False) -> str:
        """Return the line for a comment; `unfinished` says that the bot will edit the comment again."""
        uid = f" uid={self.uid}" if self.uid else ""
        more = " unfinished" if unfinished else ""
        return f"{self.key.removesuffix(' -->')}{uid} by={owner.text}{more} -->"

    def is_in(self, body: str, owner: Owner) -> bool:
        """Return whether a comment of the bot's account is the one with this marker.

        Markers that are not about a run are the same for all bots, so that their instance has to agree.
        """
        found = read(body)
        if found is None or found.marker != self:
            return False
        return bool(self.uid) or found.owner is None or found.owner.instance == owner.instance


@dataclass(frozen=True, slots=True)
class ReadMarker:
    """What the marker in a comment says."""

    marker: Marker
    owner: Owner | None
    """None if an earlier version of the bot wrote it."""
    unfinished: bool
    """Whether its bot wanted to edit the comment again."""


def read(body: str) -> ReadMarker | None:
    """Return the marker that is the last line of a comment, None if there is none."""
    found = _MARKER.fullmatch(body.rstrip()[-_LONGEST:].rpartition("\n")[2].strip())
    if found is None:
        return None
    owner = Owner(found["instance"], found["store"]) if found["instance"] else None
    marker = Marker(found["kind"], found["identifier"], found["uid"] or "")
    return ReadMarker(marker, owner, bool(found["unfinished"]))


def of_run(run: Run, kind: str = "run") -> Marker:
    """Return the marker of a comment about a run, by default of the one that shows its progress."""
    return Marker(kind, str(run.id), run.uid)


def run_keys(run: int) -> tuple[str, ...]:
    """Return the keys of all comments that a run can have."""
    return tuple(Marker(kind, str(run)).key for kind in _RUN_KINDS)


def of_environment(kind: str, name: str, which: int) -> Marker:
    """Return the marker of a comment about an environment; `which` tells it from others of its kind."""
    return Marker(kind, f"{slug(name)}-{which}")


def request(sha: str, base: str) -> Marker:
    """Return the marker of the request to approve a commit for a base branch."""
    digest = hashlib.sha256(base.encode("utf-8", "surrogatepass")).hexdigest()
    return Marker("approval", f"{sha}-{digest[:_BRANCH_HASH]}")


def reply(delivery: str, which: str | int) -> Marker:
    """Return the marker of one reply to the delivery with this key."""
    return Marker("reply", f"{_short(delivery)}-{which}")


def reply_keys(delivery: str) -> str:
    """Return the prefix of the keys of all replies to a delivery."""
    return f"<!-- {PREFIX}:reply={_short(delivery)}-"


def _short(delivery: str) -> str:
    return delivery[:16]
