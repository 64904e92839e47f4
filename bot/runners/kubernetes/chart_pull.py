"""The arguments and credentials of `helm pull`.

The account is written to a registry configuration file that exists for one pull only. `helm registry login`
would write the same file, but does not support plain HTTP before Helm 4.
"""

import base64
import json
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

_OCI = "oci://"


@dataclass(frozen=True, slots=True)
class ChartRegistry:
    """The bot's own registry, which may also hold charts. All others are used anonymously, over TLS."""

    host: str
    plain: bool = False
    """Whether it uses HTTP without TLS."""
    verify: bool = True
    username: str = ""
    password: str = field(default="", repr=False)

    def holds(self, reference: str) -> bool:
        """Return whether a chart is in this registry."""
        return reference.startswith(f"{_OCI}{self.host}/")


@dataclass(frozen=True, slots=True)
class PullOptions:
    """Arguments and environment variables that give one pull its own account file and cache."""

    arguments: tuple[str, ...]
    environment: dict[str, str]


def pull_arguments(reference: str, registry: ChartRegistry | None) -> tuple[str, ...]:
    """Return the arguments that name a chart; options come first, so that no name is taken for an option.

    The reference is `oci://host/path/chart:1.0`, `https://host/chart-1.0.tgz`, or `https://host/path/chart:1.0`
    for a chart of the chart repository `https://host/path`.

    >>> pull_arguments("https://charts.example.com/stable/shop:1.0", None)
    ('--version=1.0', '--repo=https://charts.example.com/stable', '--', 'shop')
    """
    if reference.startswith(_OCI):
        name, version = _name_and_version(reference)
        return (*_version_option(version), *_tls_options(reference, registry), "--", name)
    if reference.endswith(".tgz"):
        return ("--", reference)
    name, version = _name_and_version(reference)
    repository, _, chart = name.rpartition("/")
    return (*_version_option(version), f"--repo={repository}", "--", chart)


@contextmanager
def pull_options(reference: str, registry: ChartRegistry | None) -> Iterator[PullOptions]:
    """Provide an account, if the chart is in the bot's registry, and a cache; remove both afterwards."""
    with TemporaryDirectory(prefix="chatops-fetch-") as folder:
        accounts = Path(folder) / "accounts.json"
        known = registry if registry is not None and registry.holds(reference) else None
        accounts.touch(mode=0o600)
        accounts.write_text(json.dumps(_accounts(known)))
        yield PullOptions((f"--registry-config={accounts}",), {"HELM_CACHE_HOME": f"{folder}/cache"})


def _name_and_version(reference: str) -> tuple[str, str]:
    """Split a reference; a digest stays with the name, as Helm requires, and a port is not a version."""
    name, _, version = reference.rpartition(":")
    return (reference, "") if "/" in version or "@" in posixpath.basename(reference) else (name, version)


def _version_option(version: str) -> tuple[str, ...]:
    return (f"--version={version}",) if version else ()


def _tls_options(reference: str, registry: ChartRegistry | None) -> tuple[str, ...]:
    if registry is None or not registry.holds(reference):
        return ()
    if registry.plain:
        return ("--plain-http",)
    return () if registry.verify else ("--insecure-skip-tls-verify",)


def _accounts(registry: ChartRegistry | None) -> dict[str, object]:
    if registry is None or not registry.username:
        return {}
    auth = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
    return {"auths": {registry.host: {"auth": auth}}}
