"""Why something was refused, failed or stopped: one wording for each reason, wherever it is shown."""

from collections.abc import Mapping
from typing import Final, Protocol

from bot.model.reason import IMAGE_FACT, Reason
from bot.model.run import Note
from bot.model.text import Language, Text
from bot.words.builds import BUILDS
from bot.words.deployments import DEPLOYMENTS
from bot.words.infrastructure import ENDED, INFRASTRUCTURE
from bot.words.jenkins import JENKINS
from bot.words.manifests import MANIFESTS
from bot.words.refusals import REFUSALS
from bot.words.secrets import SECRETS
from bot.words.sentence import Part, PartKind, Wording
from bot.words.suites import SUITE_NOTES, SUITES

REASONS: Final[Mapping[Reason, Wording]] = {
    **REFUSALS,
    **SECRETS,
    **BUILDS,
    **DEPLOYMENTS,
    **MANIFESTS,
    **SUITES,
    **ENDED,
    **INFRASTRUCTURE,
    **JENKINS,
}

NOTES: Final[Mapping[str, Wording]] = {
    **SUITE_NOTES,
    "environment_protected": Wording(
        Text(
            en="This automatic run leaves out {command}, because not everyone with write access may change"
            " {environment}.",
            zh="本次自动运行跳过了 {command}，因为并非所有有写权限的人都可以更改环境 {environment}。",
        )
    ),
    "config_changed": Wording(
        Text(
            en="This PR changes {file}. The change takes effect once it is merged;"
            " this run uses the version on the base branch.",
            zh="这个 PR 修改了 {file}，改动在合并后生效；本次运行使用目标分支上的版本。",
        )
    ),
    "compose_not_used": Wording(
        Text(
            en="Only the Dockerfile was used. For the services of {file} as well, add {setting} to"
            " `.chatops.yml` on the base branch.",
            zh="仅使用了 Dockerfile。如需同时运行 {file} 中的服务，请在目标分支的 `.chatops.yml` 中加入"
            " {setting}。",
        )
    ),
    "config_not_counted": Wording(
        Text(
            en="{file} on {branch} is not used, because that branch is not protected: people with write"
            " access can change it without a review. This run uses the version on {default}.",
            zh="分支 {branch} 未受保护，有写权限的人无需审查即可修改，因此没有使用该分支上的 {file}；"
            "本次运行使用 {default} 分支上的版本。",
        )
    ),
}
"""By the code of a note."""


_COLON: Final = Text(en=": ", zh="：")


class Explained(Protocol):
    """What ended or is delayed for a reason: a step's result, a stop request, a refused command."""

    @property
    def reason(self) -> Reason | None:
        """The reason; None where nothing needs explaining."""
        ...

    @property
    def facts(self) -> Mapping[str, str]:
        """The facts that go with it."""
        ...


def sentence(explained: Explained, language: Language) -> tuple[Part, ...]:
    """Return what happened, in one or two sentences; nothing without a reason.

    One of several images is named first.
    """
    if explained.reason is None:
        return ()
    name = explained.facts.get(IMAGE_FACT)
    about = (Part(PartKind.CODE, name), Part(PartKind.WORDS, _COLON.say(language))) if name else ()
    return (*about, *REASONS[explained.reason].say(explained.facts, language))


def advice(explained: Explained, language: Language) -> tuple[Part, ...]:
    """Return what the reader can do about it, if anything."""
    if explained.reason is None:
        return ()
    return REASONS[explained.reason].advise(explained.facts, language)


def remark(note: Note, language: Language) -> tuple[Part, ...]:
    """Return a note of a run in words; one of another version of the bot by its code and facts."""
    if note.code in NOTES:
        return NOTES[note.code].say(note.facts, language)
    facts = (f"{name}={value}" for name, value in note.facts.items())
    return (Part(PartKind.CODE, " ".join((note.code, *facts))),)
