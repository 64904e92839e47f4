"""Turns the messages of a failed build into an error, whose type says what happens next. Pure."""

import re
from dataclasses import dataclass

from bot.core.admission.builds import secret_missing
from bot.model.errors import ChatOpsError, GiveUp, RetryLater, TellUser
from bot.model.reason import Reason
from bot.model.shortening import shortened
from bot.runners.lines import clean

REMEMBERED = 40
"""Last lines of a step's output that are kept to explain its failure."""
CLIENT_ERROR = 4
"""First digit of the HTTP statuses that blame the client."""
_SHOWN = 300

_TARGET = re.compile(
    r"target stage (.+?) could not be found|failed to reach build target (.+?) in Dockerfile"
)
_SECRET = re.compile(r"(?:^|: )secret (.+?)(?: not found)?: not found$", re.DOTALL)
"""Of a mount with `required`, whose id could not be read from the Dockerfile."""
_CODE = re.compile(r"exit code: (\d+)")
_SYNTAX = re.compile(
    r"(?i)parse error|dockerfile.*cannot be empty|failed to (?:parse|process)|unknown (?:instruction|flag)"
    r"|base name .* should not be blank|circular dependency|invalid reference format|no build stage"
)
_NO_FILE = re.compile(r"(?i)cannot locate specified dockerfile|failed to read dockerfile")
_NETWORK = re.compile(
    r"(?i)dial tcp|no such host|connection re(?:fused|set)|timeout|deadline exceeded|server misbehaving"
    r"|toomanyrequests|too many requests|unexpected EOF|: EOF|\b50[0234]\b|network is unreachable"
)
_NO_HOST = re.compile(r"lookup (\S{1,253}?)(?: on \S+)?: no such host")
"""What Go's resolver says where a name server answers that the name does not exist; a name server that fails
or is silent is worded otherwise."""
_DENIED = re.compile(
    r"(?i)denied|unauthorized|authentication required|no basic auth|insufficient_scope|forbidden|\b40[13]\b"
    r"|name unknown|repository name not known"
    # Harbor's own rules: immutable tags and quotas.
    r"|configured as immutable|configured upper limit"
)
# "Repository does not exist" is how containerd words a refusal.
_IMAGE_GONE = re.compile(r"(?<!repository )does not exist")
_FULL = re.compile(r"(?i)no space left on device")
_EXPORT = "exporting "
"""Beginning of BuildKit's names for the steps after the last instruction."""
_FRONTEND = re.compile(r"^(?:failed to solve(?: with frontend \S+)?: |failed to create LLB definition: )+")


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """A failed build: the builder's message, and the step that failed with its last lines of output."""

    message: str
    instruction: str = ""
    tail: tuple[str, ...] = ()
    image: str = ""
    """The base image, if loading it is what failed."""


def classify(failure: BuildFailure, *, path: str = "") -> ChatOpsError:
    """Return the error for a failure; `path` is the Dockerfile's."""
    code = _CODE.search(failure.message)
    if code:
        return _instruction_failed(failure, code[1])
    if failure.image:
        return (
            host_unknown(failure.image, failure.message)
            or _unavailable(failure)
            or TellUser(Reason.BASE_IMAGE_MISSING, {"image": failure.image})
        )
    return (
        _rejected(failure.message, path)
        or _unavailable(failure)
        or _invalid(failure)
        or _instruction_failed(failure, "")
    )


def refused(message: str, status: int, path: str) -> ChatOpsError | None:
    """Return the error for a build request that failed with a status; None if the user did not cause it."""
    found = _rejected(message, path)
    if found is None and status // 100 == CLIENT_ERROR:
        return TellUser(Reason.DOCKERFILE_INVALID, {"message": plain(message)})
    return found


def push_failed(repository: str, message: str) -> ChatOpsError:
    """Return the error for the message of a failed push."""
    if _IMAGE_GONE.search(message):
        # The engine does not have the image, for example because it was removed after the build.
        return RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": plain(message)})
    if _DENIED.search(message):
        return GiveUp(Reason.REGISTRY_DENIED, {"repository": repository}, log=plain(message))
    return RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": plain(message)})


def host_unknown(image: str, message: str) -> TellUser | None:
    """Return the error if an image cannot be loaded because the host in its name does not exist."""
    found = _NO_HOST.search(message)
    return found and TellUser(Reason.IMAGE_HOST_UNKNOWN, {"image": image, "host": clean(found[1])})


def plain(message: str) -> str:
    """Return a message without the prefixes that BuildKit's layers add."""
    return shortened(clean(_FRONTEND.sub("", message)), _SHOWN)


def _instruction_failed(failure: BuildFailure, code: str) -> ChatOpsError:
    lines = failure.tail if code else (*failure.tail, plain(failure.message))
    log = "\n".join(lines)
    facts = {"instruction": shortened(failure.instruction, _SHOWN), "code": code}
    return TellUser(Reason.BUILD_FAILED, facts, log=log)


def _rejected(message: str, path: str) -> ChatOpsError | None:
    if target := _TARGET.search(message):
        return TellUser(Reason.TARGET_UNKNOWN, {"target": target[1] or target[2]})
    if secret := _SECRET.search(message):
        return secret_missing(shortened(clean(secret[1]), _SHOWN), path)
    if _NO_FILE.search(message):
        return TellUser(Reason.NO_DOCKERFILE, {"path": path})
    if _SYNTAX.search(message):
        return TellUser(Reason.DOCKERFILE_INVALID, {"message": plain(message)})
    return None


def _invalid(failure: BuildFailure) -> ChatOpsError | None:
    """Blame the Dockerfile for an error before the first instruction: its parser has many messages."""
    if failure.instruction:
        return None
    return TellUser(Reason.DOCKERFILE_INVALID, {"message": plain(failure.message)})


def _unavailable(failure: BuildFailure) -> ChatOpsError | None:
    if _FULL.search(failure.message) or failure.instruction.startswith(_EXPORT):
        return RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": plain(failure.message)})
    if (failure.image or not failure.instruction) and _NETWORK.search(failure.message):
        return RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": plain(failure.message)})
    return None
