"""What a build may make the engine fetch by itself, and what separates the builds of repositories."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from bot.core.admission.images import HUB, ImagePolicy, listed, registry_and_path
from bot.core.deciding.build_sources import BuildSource, SourceKind, build_sources
from bot.model.errors import TellUser
from bot.model.forge import RepoPath
from bot.model.reason import Reason

FRONTENDS = ("docker/dockerfile:1*",)
"""Docker's own frontend, which new syntax such as here-documents needs on older engines."""


CACHE_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS"
"""Build argument with the namespace of cache mounts, which a repository must not choose.

https://docs.docker.com/reference/dockerfile/#buildkit-built-in-build-args
"""


@dataclass(frozen=True, slots=True)
class BuildPolicy:
    """What the operator allows; by default only what stays inside the build."""

    frontends: tuple[str, ...] = FRONTENDS
    """Patterns of images that may read a Dockerfile."""
    addresses: tuple[str, ...] = ()
    """Patterns of addresses that `ADD` may fetch."""
    images: ImagePolicy = field(default_factory=ImagePolicy)
    secrets: Collection[str] = ()
    """Ids of the secrets that this build gets."""

    def check_image(self, reference: str, own: str, where: str) -> None:
        """Raise TellUser(IMAGE_REFUSED) for an image that is not allowed, with the place that names it."""
        # The engine takes such a name for the beginning of an image's id, too.
        is_id = set(reference.lower().removeprefix("sha256:")) <= set("0123456789abcdef")
        if is_id or not self.images.allows(reference, own):
            raise _image_refused(reference, where)

    def check(self, source: BuildSource, own: str, where: str) -> None:
        """Raise TellUser for a source that is not allowed, with the place that names it."""
        if not self.allows(source, own):
            raise _refusal(source, where)

    def allows(self, source: BuildSource, own: str) -> bool:
        """Return whether a build may have something; `own` as in `ImagePolicy`."""
        match source:
            case BuildSource(SourceKind.SECRET, value=value):
                # One whose id only the build knows is left to the build, which gets no others either.
                return value is None or value in self.secrets
            case BuildSource(value=None):
                return False
            case BuildSource(SourceKind.FRONTEND, value=str(value)):
                return listed(self.frontends, value.removeprefix(f"{HUB}/"))
            case BuildSource(SourceKind.REMOTE, value=str(value)):
                return all(listed(self.addresses, word) for word in value.split())
            case _:
                return self.images.allows(source.value or "", own)


def check(policy: BuildPolicy, path: str, text: str, args: Mapping[str, str], own: str) -> None:
    """Raise TellUser for the first line of a Dockerfile that asks for what is not allowed."""
    for source in build_sources(text, args):
        policy.check(source, own, f"{path}:{source.line}" if source.line else "build.args")


def cache_namespace(instance: str, repo: RepoPath, number: int, *, trusted: bool) -> str:
    """Return the name under which builds share caches: those of one repository, by people who may push to it.

    The builds of an approved outside contributor share them only with other builds of the same pull request.

    >>> cache_namespace("chatops", RepoPath("team", "shop"), 12, trusted=False)
    'chatops/team/shop!12'
    """
    return f"{instance}/{repo}".lower() + ("" if trusted else f"!{number}")


def secret_missing(name: str, where: str) -> TellUser:
    """Return the error for a secret that a Dockerfile mounts and that its build does not get."""
    return TellUser(Reason.SECRET_NOT_LISTED, {"where": where, "name": name, "setting": f"secrets: [{name}]"})


def _refusal(source: BuildSource, where: str) -> TellUser:
    if source.kind is SourceKind.SECRET:
        return secret_missing(source.written, where)
    facts = {"where": where, "source": source.value or source.written}
    if source.kind is SourceKind.FRONTEND:
        return TellUser(Reason.FRONTEND_REFUSED, facts)
    if source.kind is SourceKind.UNREADABLE:
        message = f"{where}: {source.written!r} is read differently by versions of BuildKit"
        return TellUser(Reason.DOCKERFILE_INVALID, {"message": message})
    if source.value is None:
        return TellUser(Reason.SOURCE_UNKNOWN, facts)
    if source.kind is SourceKind.IMAGE:
        return _image_refused(source.value, where)
    return TellUser(Reason.SOURCE_REFUSED, facts)


def _image_refused(reference: str, where: str) -> TellUser:
    setting = f'bases = ["{"/".join(registry_and_path(reference))}"]'
    return TellUser(Reason.IMAGE_REFUSED, {"where": where, "image": reference, "setting": setting})
