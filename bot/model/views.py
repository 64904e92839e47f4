"""The contents of comments: frozen values whose fields templates may rely on.

A view holds facts, no prose and no Markdown. The template of a class is `<language>/<name>.md.j2`, where
`name` is the class's name in snake case; a `Message` names its template. Templates escape hostile strings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.approval import Distrust
from bot.model.environment import Environment, EnvironmentState, Outage
from bot.model.queue import QueuePosition
from bot.model.reason import Reason
from bot.model.run import Run
from bot.model.text import Text


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the bot's pages; empty strings if the bot has no public address."""

    run: str = ""
    report: str = ""
    logs: Mapping[str, str] = field(default_factory=dict)
    """By step name."""
    services: str = ""
    """Output of the services that the run has deployed."""
    pull: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentLine:
    """One environment in a list."""

    name: str
    url: str
    state: EnvironmentState
    sha: str
    expires_at: datetime
    services: Mapping[str, str] = field(default_factory=dict)
    """URLs of its public services, by name."""
    extend: str = ""
    """Command that extends its life, if it ends soon."""
    outage: Outage | None = None
    deploy: str = ""
    """Command that deploys it again, if it does not work any more."""


@dataclass(frozen=True, slots=True)
class RunView:
    """The comment of a run, which is updated while it runs."""

    run: Run
    links: Links
    pull_author: str
    position: QueuePosition | None = None
    """Its position in the queue; None if it does not wait."""
    next_commands: tuple[str, ...] = ()
    """Ready to copy, most useful first."""
    folded_by: int | None = None
    """Number of the following run, once there is one: the comment is then folded to one line."""
    broken: Environment | None = None
    """The environment that it deployed, if that does not work any more; its outage says why."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A short new comment to notify a person; `kind` is failed or ready."""

    kind: str
    run: Run
    links: Links
    recipient: str
    """Login to mention."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """A short new comment some time before an environment is removed."""

    recipient: str
    """Login to mention; empty if unknown."""
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
    """A command as `/help`, the READMEs and the web page show it."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    summary: Text
    permission: tuple[str, ...]
    """Who may use it: any one of these permission levels, `@logins` and `owners`."""
    arguments: tuple[ArgumentHelp, ...] = ()
    examples: tuple[str, ...] = ()
    environments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Likewise, by the environments that have a rule of their own."""


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """The automatic run of an untrusted commit waits for an `/ok-to-test`."""

    distrust: Distrust
    sha: str
    base: str
    """Branch for which the approval will count."""
    command: str
    """The command that approves the commit."""
    changes_url: str = ""
    """Address of exactly the changes to review; empty if unknown."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """A problem in `.chatops.yml`; line and column count from 1. `message` is hostile."""

    line: int
    column: int
    where: str
    """Dotted path of the key."""
    message: Text
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class ConfigBroken:
    """`.chatops.yml` is invalid; `proposed` if that is the pull request's version of it."""

    file: str
    ref: str
    problems: tuple[ConfigProblem, ...]
    excerpt: str = ""
    """The offending lines with numbers, hostile."""
    proposed: bool = False
    found: bool = False
    """Whether no configuration names the file: it is a Compose file, and there is no `.chatops.yml`."""


@dataclass(frozen=True, slots=True)
class Apology:
    """The bot hit a bug; `id` finds the trace in the log."""

    id: str


@dataclass(frozen=True, slots=True)
class Filtered:
    """Replaces a comment that Gitee rejected, and contains nothing that other people wrote.

    `run` is set if it was the comment of a run.
    """

    run: Run | None = None
    links: Links = field(default_factory=Links)
    broken: Environment | None = None
    """As in `RunView`."""


@dataclass(frozen=True, slots=True)
class Message:
    """A comment without a class of its own: a template's name, and the facts that it reads from `view`."""

    template: str
    """`<language>/<template>.md.j2` in `comment_templates`."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """By the name of an attribute of `view`. Text that other people wrote is hostile."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that one comment is answered with, in one comment."""

    parts: tuple["View", ...]


View = (
    Text
    | Answer
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
