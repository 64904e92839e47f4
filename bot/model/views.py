"""What each comment shows: one frozen value per template, the documented contract of its words.

A view holds facts, no prose and no Markdown. Its template is `<language>/<name>.md.j2`, where
`name` is the class's name in snake case. Strings marked hostile are escaped by the templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.environment import EnvironmentState
from bot.model.queue import QueuePosition
from bot.model.reason import Reason
from bot.model.run import Run
from bot.model.text import Text


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the bot's own pages; empty strings when the bot has no public address."""

    run: str = ""
    report: str = ""
    logs: Mapping[str, str] = field(default_factory=dict)
    """By step name."""
    pull: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentLine:
    """One environment in a list."""

    name: str
    url: str
    state: EnvironmentState
    sha: str
    expires_at: datetime
    extend: str = ""
    """Command that keeps it longer, where its end is near."""


@dataclass(frozen=True, slots=True)
class RunView:
    """The living comment of a run."""

    run: Run
    links: Links
    pull_author: str
    position: QueuePosition | None = None
    """Where it stands in line; None when it does not wait."""
    next_commands: tuple[str, ...] = ()
    """Ready to copy, most useful first."""
    folded_by: int | None = None
    """Number of the run that followed, once there is one: the comment is folded to one line."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A short new comment where a person must look; `kind` is failed or ready."""

    kind: str
    run: Run
    links: Links
    recipient: str
    """Login to mention."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """A short new comment some time before an environment is taken down."""

    recipient: str
    """Login to mention; empty where nobody is known any more."""
    environment: EnvironmentLine


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """One refused command; `command` is hostile."""

    command: str
    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the commands of one comment were refused."""

    actor: str
    lines: tuple[RefusalLine, ...]


@dataclass(frozen=True, slots=True)
class ArgumentHelp:
    """One argument of a command."""

    name: str
    usage: str
    text: Text


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """One command as /help, README and web page show it."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    summary: Text
    needs: str
    """Level in force: anyone, contributor, write or admin."""
    arguments: tuple[ArgumentHelp, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """A pull request from a fork waits for somebody's `/ok-to-test`."""

    author: str
    sha: str


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong with `.chatops.yml`; line and column count from 1. `message` is hostile."""

    line: int
    column: int
    where: str
    """Dotted path of the key."""
    message: Text
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class ConfigBroken:
    """`.chatops.yml` could not be used. `proposed` when it is the pull request's version that is broken."""

    file: str
    ref: str
    problems: tuple[ConfigProblem, ...]
    excerpt: str = ""
    """The offending lines with numbers, hostile."""
    proposed: bool = False


@dataclass(frozen=True, slots=True)
class Apology:
    """A bug of ours; `id` finds the trace in the log."""

    id: str


@dataclass(frozen=True, slots=True)
class Filtered:
    """What is left to say where Gitee would not take the words of a comment: nothing that others wrote.

    `run` when it was the comment of a run.
    """

    run: Run | None = None
    links: Links = field(default_factory=Links)


@dataclass(frozen=True, slots=True)
class Message:
    """A comment without a class of its own: a template's name, and the facts that it reads from `view`."""

    template: str
    """`<language>/<template>.md.j2` in `comment_templates`."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """Names must not be methods of a dict, such as `items`. Text that other people wrote is hostile."""


View = (
    Text
    | Message
    | RunView
    | Announcement
    | Expiring
    | Refusal
    | ApprovalNeeded
    | ConfigBroken
    | Apology
    | Filtered
)
