"""Decides whose a comment with a marker is: this store's, that of a store that was lost, or another bot's."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.markers import Owner, ReadMarker
from bot.model.forge import Comment
from bot.model.run import Run
from bot.model.store_identity import StoreIdentity
from bot.model.text import Language

CLOCKS = timedelta(minutes=5)
"""How far Gitee's clock and the bot's may differ, and how long two bots may overlap when one is replaced."""
YOUNG = timedelta(days=30)
"""How long a store looks for what a lost one has left, and how far back."""
RECENT = timedelta(days=7)
"""Older comments do not show that a backup was restored: retention may have removed their runs."""


@dataclass(frozen=True, slots=True)
class Own:
    """The bot, and the identities that its store has had, the current one first."""

    instance: str
    identities: tuple[StoreIdentity, ...]

    @property
    def owner(self) -> Owner:
        """What the bot's markers contain now."""
        return Owner(self.instance, self.identities[0].id)

    def wrote(self, owner: Owner) -> bool:
        """Return whether this store made the marker."""
        return any(owner.store == one.id for one in self.identities)

    @property
    def horizon(self) -> datetime:
        """Return since when comments of a lost store are looked for."""
        return self.identities[0].created_at - YOUNG

    def young(self, now: datetime) -> bool:
        """Return whether the store may still find what a lost one has left."""
        return now - self.identities[0].created_at < YOUNG


def by_another_bot(found: ReadMarker, comment: Comment, own: Own) -> bool:
    """Return whether a bot wrote a comment that lives beside this one.

    A store that was lost changes no comment after the first identity of its successor.
    """
    if found.owner is None or own.wrote(found.owner):
        return False
    return comment.updated_at > own.identities[-1].created_at + CLOCKS


def shows_a_restored_backup(found: ReadMarker, own: Own, run: Run | None, newest: int) -> bool:
    """Return whether this store's own comment is about a run that it has not given out yet.

    `run` has the number of the comment's run, `newest` is the highest number that was given out.
    """
    if found.owner is None or found.owner.store != own.identities[0].id or not found.marker.uid:
        return False
    if (number := found.marker.of_run) is None:
        return False
    return run.uid != found.marker.uid if run else number > newest


def is_lost(found: ReadMarker, comment: Comment, own: Own, run: Run | None) -> bool:
    """Return whether a comment of the bot's account waits for a run that no store knows any more."""
    if not found.unfinished or found.marker.run is None or found.owner is None:
        return False
    known = run is not None and run.uid == found.marker.uid
    mine = own.wrote(found.owner) or found.owner.instance == own.owner.instance
    return mine and not known and not by_another_bot(found, comment, own)


def language(body: str) -> Language:
    """Return the language of a comment, by its first line.

    >>> language("🔄 **正在构建**"), language("🔄 **Building**")
    (<Language.ZH: 'zh'>, <Language.EN: 'en'>)
    """
    headline = body.lstrip().partition("\n")[0].partition("·")[0]
    return Language.ZH if any("一" <= one <= "鿿" for one in headline) else Language.EN
