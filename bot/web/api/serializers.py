"""The JSON objects of the API: pydantic fills, serializes and describes them in the OpenAPI document.

They name each field that clients may see, so that nothing internal gets out, such as the address at which
the bot reaches a service. A path says where a field comes from if its name differs in `bot.model`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from bot.core.environments import public
from bot.model import environment, run
from bot.model.addresses import Addresses
from bot.model.delivery import Trigger
from bot.model.text import Language, Text
from bot.model.views import CommandHelp


def _at(*path: str, default: Any = ...) -> Any:
    """Return a field that is read from this path of attributes; the default stands for a missing one."""
    return Field(default, validation_alias=AliasPath(*path))


def _in_language(text: Text, info: ValidationInfo[Language]) -> str:
    return text.say(info.context)


Name = Annotated[str, BeforeValidator(str)]
"""A value of the model that has a text form."""
Words = Annotated[str, BeforeValidator(_in_language)]
"""A text in the language that the context names."""
Time = Annotated[
    datetime,
    PlainSerializer(lambda time: time.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Schema(BaseModel):
    """What all JSON objects have in common: no field is optional, and no other field is sent."""

    model_config = ConfigDict(
        from_attributes=True,
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class Problem(Schema):
    """Why a request failed."""

    status: str
    """A stable code, such as `not_found`."""
    message: str


class Scan(Schema):
    """Known vulnerabilities in an image, by severity."""

    critical: int = _at("counts", "critical", default=0)
    high: int = _at("counts", "high", default=0)
    medium: int = _at("counts", "medium", default=0)
    low: int = _at("counts", "low", default=0)
    negligible: int = _at("counts", "negligible", default=0)
    unknown: int = _at("counts", "unknown", default=0)
    total: int
    fixable: int
    """For how many of them a fixed version exists."""
    scanner: str


class Merge(Schema):
    """What was built instead of the head of a pull request."""

    sha: str
    base: str
    """The commit of the base branch that the head was merged into."""


class Image(Schema):
    """A pushed image."""

    reference: str
    digest: str
    size: int
    """In bytes; 0 if unknown."""
    scan: Scan | None
    name: str
    """As in `images` of `.chatops.yml`; empty for the only image."""
    merge: Merge | None
    """The merge into the base branch that it was built from; null for the head of the pull request."""
    built_from: str
    """The earlier commit from which it was built, if nothing has changed since; otherwise empty."""


class TestCounts(Schema):
    """Number of tests by result."""

    __test__ = False

    passed: int
    failed: int
    skipped: int
    flaky: int
    seconds: float


class Trouble(Schema):
    """Why a step is retried, through no fault of the pull request."""

    reason: Name
    facts: Mapping[str, str]
    again_in: int = _at("seconds")
    """Seconds between the failure and the next try."""


class Step(Schema):
    """A step of a run."""

    name: str
    state: run.StepState
    attempt: int
    started_at: Time | None
    finished_at: Time | None
    waiting: str
    """What the step waits for at its runner."""
    link: str
    """The runner's own page about the step."""
    trouble: Trouble | None
    seconds: float | None
    """Duration of a finished step."""
    reason: Name | None = _at("result", "reason", default=None)
    facts: Mapping[str, str] = _at("result", "facts", default={})
    image: Image | None = _at("result", "image", default=None)
    """The image that the service runs."""
    images: tuple[Image, ...] = _at("result", "images", default=())
    """All images of the commit, the one that the service runs first."""
    url: str | None = _at("result", "url", default=None)
    services: Mapping[str, str] = _at("result", "services", default={})
    """URLs of the deployed public services, by name."""
    serving_sha: str = _at("result", "serving_sha", default="")
    """The commit that still answers after a deployment that did not succeed; empty if none does."""
    tests: TestCounts | None = _at("result", "tests", default=None)
    failed_tests: tuple[str, ...] = _at("result", "failed_tests", default=())
    """Names of failed tests, at most 50."""


class Run(Schema):
    """A run: one plan executed for one commit of a pull request."""

    id: int
    repository: Name = _at("repo")
    number: int
    title: str
    """Title of the pull request when the run was created."""
    sha: str
    state: run.RunState
    final: bool = _at("state", "final")
    """Whether the state can no longer change."""
    trigger: Trigger = _at("origin", "trigger")
    actor: str = _at("origin", "actor")
    command: str = _at("origin", "command")
    """The command lines as typed; empty for automatic runs."""
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    url: str = ""
    steps: tuple[Step, ...]


class RunList(Schema):
    """A page of runs, newest first."""

    runs: tuple[Run, ...]
    next_before: int | None
    """Value of `before` for the next page; null on the last one."""


class LogPiece(Schema):
    """A part of a step's log. Offsets count bytes."""

    text: str
    offset: int
    next_offset: int
    ended: bool
    """Whether the log is complete and this is its end."""


class Outage(Schema):
    """Why an environment that was ready does not work any more."""

    reason: Name
    facts: Mapping[str, str]
    since: Time
    """When that was noticed."""


class Environment(Schema):
    """A preview environment."""

    repository: Name = _at("key", "repo")
    number: int = _at("key", "number")
    name: str = _at("key", "name")
    url: str
    services: Mapping[str, str] = {}
    """URLs of its public services, by name."""
    state: environment.EnvironmentState
    sha: str
    run: int
    """Id of the run that deployed it; 0 if the store of that run was lost."""
    deployed_at: Time
    expires_at: Time
    outage: Outage | None


class EnvironmentList(Schema):
    """All environments that are not removed."""

    environments: tuple[Environment, ...]


class Pull(Schema):
    """What the bot knows of a pull request."""

    repository: str
    number: int
    runs: tuple[Run, ...]
    environments: tuple[Environment, ...]


class Argument(Schema):
    """An argument of a command."""

    name: str
    usage: str
    summary: Words = _at("text")


class Command(Schema):
    """A command that people may type in a comment."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    summary: Words
    needs: tuple[str, ...] = _at("permission")
    """Who may use it: any one of these levels, `owners` and `@logins`."""
    arguments: tuple[Argument, ...]
    examples: tuple[str, ...]


class CommandList(Schema):
    """The commands of this bot."""

    commands: tuple[Command, ...]


def run_json(record: run.Run, addresses: Addresses) -> Run:
    """Return a run with its steps."""
    return Run.model_validate(record).model_copy(update={"url": addresses.run(record)})


def environment_json(record: environment.Environment, addresses: Addresses) -> Environment:
    """Return an environment with its public address."""
    services = public.urls(addresses, record.host, record.public)
    update = {"url": addresses.environment(record), "services": services}
    return Environment.model_validate(record).model_copy(update=update)


def command_json(command: CommandHelp, language: Language) -> Command:
    """Return a command's help in one language."""
    return Command.model_validate(command, context=language)
