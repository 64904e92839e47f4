"""Creating, editing and deleting comments on pull requests."""

from playground import pulls, refusals
from playground.events import NoteEvent
from playground.forge import OfflineForge
from playground.state import Comment, Pull, Revision, User, now


def _checked(body: str) -> str:
    if not body.strip():
        raise refusals.bad_request("body is missing")
    return pulls.checked_text(body)


def write(
    forge: OfflineForge,
    pull: Pull,
    body: str,
    by: User,
    *,
    path: str | None = None,
    position: str | None = None,
    commit_id: str | None = None,
) -> Comment:
    """Create a comment; with `path` and `position`, on a line. Requires read permission."""
    forge.require(by, "read", pull.repository)
    moment = now()
    history = [Revision(_checked(body), by.login, moment)]
    number = forge.world.ids.next("comment")
    comment = Comment(number, by, moment, history, pull, path=path, position=position, commit_id=commit_id)
    pull.comments.append(comment)
    pull.updated_at = max(pull.updated_at, moment)
    forge.announce(NoteEvent(comment, by, "comment"))
    return comment


def _refuse_others(forge: OfflineForge, comment: Comment, by: User) -> None:
    if by is not comment.author:
        forge.require(by, "admin", comment.pull.repository)


def edit(forge: OfflineForge, comment: Comment, body: str, by: User) -> None:
    """Change the text of a comment. Raises 403 except for its author and administrators."""
    _refuse_others(forge, comment, by)
    comment.history.append(Revision(_checked(body), by.login, now()))
    forge.announce(NoteEvent(comment, by, "edited"))


def delete(forge: OfflineForge, comment: Comment, by: User) -> None:
    """Delete a comment. Raises 403 except for its author and administrators."""
    _refuse_others(forge, comment, by)
    comment.deleted = True
    forge.announce(NoteEvent(comment, by, "deleted"))
