"""Names of everything that the bot creates elsewhere: hostnames, tags, containers, labels.

They are derived from the environment's key, so that a resource can be found again without the store.
"""

import hashlib
import re
from collections.abc import Mapping

from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.plan import DEFAULT_ENVIRONMENT

PREFIX = "chatops"

LABEL_REPO = f"{PREFIX}.repo"
LABEL_NUMBER = f"{PREFIX}.number"
LABEL_ENVIRONMENT = f"{PREFIX}.environment"
LABEL_SHA = f"{PREFIX}.sha"
LABEL_RUN = f"{PREFIX}.run"
LABEL_ATTEMPT = f"{PREFIX}.attempt"
LABEL_INSTANCE = f"{PREFIX}.instance"
LABEL_STORE = f"{PREFIX}.store"
LABEL_HOST = f"{PREFIX}.host"
LABEL_PUBLIC = f"{PREFIX}.public"
LABEL_EXPIRES = f"{PREFIX}.expires"
LABEL_OWNED_BY = f"{PREFIX}.owned-by"
LABEL_OWNED_UNTIL = f"{PREFIX}.owned-until"
LABEL_DATA = f"{PREFIX}.data"
"""Marks what has data for later deployments; the value says whose commits have written it."""

_LABEL_LENGTH = 63  # RFC 1035
_HOST_LENGTH = 55
"""Characters of an environment's label: as many remain as a hash of a service's name and the marks need."""
_OF_SERVICE = "--"
"""As the third and fourth character it is reserved, as in Punycode (RFC 5890): there are no certificates."""
_SLUG_LENGTH = 40
_NAMESPACE_HASH = 10
_IDENTITY_HASH = 40
_COMPONENT_LENGTH = 80
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"pr-([1-9][0-9]{0,8})-", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def slug(name: str) -> str:
    """Return a lower-case DNS label of at most 47 characters.

    If characters are replaced or cut off, a short hash is appended, so that `my_shop`, `my-shop` and `我的店`
    have different slugs.
    """
    lower = name.lower()
    plain = re.sub(r"[^a-z0-9]+", "-", lower).strip("-")
    if plain == lower and plain and len(plain) <= _SLUG_LENGTH:
        return plain
    return f"{plain[:_SLUG_LENGTH].strip('-') or 'repo'}-{_short_hash(lower)}"


def host_label(key: EnvironmentKey, *, qualified: bool = False) -> str:
    """Return the first label of a preview's hostname: `pr-12-shop`, or `pr-12-shop-staging`.

    Repositories of two owners can have the same name; the second one gets a `qualified` label, with a hash.
    """
    label = _label(key)
    if len(label) <= _HOST_LENGTH and not qualified:
        return label
    suffix = f"-{_short_hash(_identity(key, ''))}"
    return label[: _HOST_LENGTH - len(suffix)].rstrip("-") + suffix


def service_label(host_label: str, service: str) -> str:
    """Return the first label of the hostname of a public service: `api--pr-12-shop`.

    It is a single label, so that a wildcard certificate covers it. No environment's own label contains two
    hyphens in a row, so it belongs to this environment only.
    """
    room = _LABEL_LENGTH - len(_OF_SERVICE) - len(host_label)
    short, reserved = service, f"{service}{_OF_SERVICE}"[2:4] == _OF_SERVICE
    if len(service) > room or reserved:
        begin = service[: max(room - 7, 0)].partition(_OF_SERVICE)[0].rstrip("-")
        short = "-".join(filter(None, (begin, _short_hash(service))))
    return f"{short}{_OF_SERVICE}{host_label}"


def environment_label(label: str) -> str:
    """Return the environment's label in that of one of its services, otherwise the label itself.

    >>> environment_label("api--pr-12-shop"), environment_label("pr-12-shop")
    ('pr-12-shop', 'pr-12-shop')
    """
    return label.rpartition(_OF_SERVICE)[2]


def tag(number: int, sha: str) -> str:
    """Return the image tag of a pull request's commit: `pr-12-1a2b3c4d`."""
    return f"pr-{number}-{sha[:8]}"


def cache_tag(number: int | None) -> str:
    """Return the tag of a build cache: the repository's, or that of one pull request, removed with it.

    >>> cache_tag(None), cache_tag(12)
    ('buildcache', 'pr-12-buildcache')
    """
    return "buildcache" if number is None else f"{tag_prefix(number)}buildcache"


def tag_prefix(number: int) -> str:
    """Return the prefix of all image tags of a pull request, which no other pull request has."""
    return f"pr-{number}-"


def tagged(tag: str) -> int | None:
    """Return the number of the pull request whose image has this tag, None for other tags.

    >>> tagged("pr-12-1a2b3c4d"), tagged("pr-12"), tagged("v1.0")
    (12, None, None)
    """
    found = _TAG.match(tag)
    return int(found[1]) if found else None


def repository(project: str, repo: RepoPath, image: str = "") -> str:
    """Return the repository path inside a registry, which is valid for OCI whatever the names on Gitee are.

    `project` comes from the operator and is used unchanged; it may be empty. Each of several images has a
    repository of its own below that of its repository on Gitee, whose path has no third part.
    """
    parts = (project.strip("/"), _component(repo.owner), _component(repo.name), image)
    return "/".join(part for part in parts if part)


def stack(key: EnvironmentKey, instance: str = "") -> str:
    """Return the prefix of the names of all parts of an environment: `chatops-pr-12-shop-1a2b3c`.

    `instance` differs between bots that share an engine.
    """
    return f"{PREFIX}-pr-{key.number}-{slug(key.repo.name)}-{_short_hash(_identity(key, instance))}"


def container(key: EnvironmentKey, part: str, instance: str = "", run: int = 0) -> str:
    """Return the name of one container of an environment, such as its `app`.

    Two runs' deployments can exist side by side, so the name contains the run; 0 is for what belongs to none.
    """
    return f"{stack(key, instance)}-{f'r{run}-' if run else ''}{part}"


def network(key: EnvironmentKey, instance: str = "", run: int = 0) -> str:
    """Return the name of the network of an environment, as one run deploys it."""
    return container(key, "net", instance, run)


def volume(key: EnvironmentKey, service: str, path: str, instance: str = "") -> str:
    """Return the name of the volume with the kept data of a service at a path.

    The engine answers with the volume that has a name already. So the hash is long: nobody can find an
    environment of their own with the same name by trying.
    """
    return f"{PREFIX}-pr-{key.number}-{slug(key.repo.name)}-{identity(key, instance)}-{data(service, path)}"


def data(service: str, path: str) -> str:
    """Return what names the data of a service at a path within its environment.

    >>> data("db", "/var/lib/data")
    'data-db-e1fa5e'
    """
    return f"data-{service}-{_short_hash(path)}"


def part(name: str, key: EnvironmentKey, instance: str = "", run: int = 0) -> str:
    """Return which part of an environment has a container's name; the whole name if it is none of its parts.

    Names of suites, and those that earlier versions of the bot gave, contain no run.
    """
    found = name.removeprefix(container(key, "", instance, run))
    return found if found != name else name.removeprefix(container(key, "", instance))


def namespace(key: EnvironmentKey, prefix: str, instance: str = "", *, second: bool = False) -> str:
    """Return the name of an environment's namespace in a cluster: `pr-12-shop-1a2b3c4d5e`.

    While the deployment in it answers, the next one starts in a `second` one. A name has at most 63
    characters. `prefix` comes from the operator and has at most 20.
    """
    name = (
        slug(key.repo.name) if key.name == DEFAULT_ENVIRONMENT else f"{slug(key.repo.name)}-{slug(key.name)}"
    )
    identity = _identity(key, instance) + ("\n2" if second else "")
    suffix = f"-{_hash(identity)[:_NAMESPACE_HASH]}"
    label = f"{prefix}-{key.number}-{name}"
    return label[: _LABEL_LENGTH - len(suffix)].rstrip("-") + suffix


def identity(key: EnvironmentKey, instance: str = "") -> str:
    """Return a hash of an environment's key as a label value, different for every environment."""
    return _hash(_identity(key, instance))[:_IDENTITY_HASH]


def labels(
    key: EnvironmentKey, *, sha: str, run: int, attempt: int = 0, instance: str = "", store: str = ""
) -> dict[str, str]:
    """Return the labels by which the resources of an environment are found; empty ones are omitted."""
    found = {
        LABEL_REPO: str(key.repo),
        LABEL_NUMBER: str(key.number),
        LABEL_ENVIRONMENT: key.name,
        LABEL_SHA: sha,
        LABEL_RUN: str(run),
        LABEL_ATTEMPT: str(attempt),
        LABEL_INSTANCE: instance,
        LABEL_STORE: store,
    }
    return {name: value for name, value in found.items() if value}


def labeled_number(labels: Mapping[str, str], name: str) -> int:
    """Return the number in a label, 0 if there is none: the labels of an image can be hostile text.

    >>> labeled_number({LABEL_RUN: "7"}, LABEL_RUN), labeled_number({LABEL_RUN: "7e9"}, LABEL_RUN)
    (7, 0)
    """
    text = labels.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def _label(key: EnvironmentKey) -> str:
    plain = f"pr-{key.number}-{slug(key.repo.name)}"
    return plain if key.name == DEFAULT_ENVIRONMENT else f"{plain}-{slug(key.name)}"


def _identity(key: EnvironmentKey, instance: str) -> str:
    # None of the parts can contain a line break, so different keys have different texts.
    return "\n".join((str(key.repo).lower(), str(key.number), key.name, instance))


def _component(name: str) -> str:
    lower = name.lower()
    fits = _COMPONENT.fullmatch(lower) and len(lower) <= _COMPONENT_LENGTH
    return lower if fits else slug(name)


def _short_hash(text: str) -> str:
    return _hash(text)[:6]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
