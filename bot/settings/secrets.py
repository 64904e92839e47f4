"""The secrets that the operator names, and which steps may have them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bot.model.secrets import ClusterKey, SecretGrant, SecretProblem, SecretStep, SecretTrust
from bot.secrets.sources import SecretSource
from bot.settings.kinds import section, written
from bot.settings.patterns import EnvironmentPattern, RepositoryPattern, misplaced

SecretName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
CredentialId = Annotated[str, Field(pattern=r"^([A-Za-z0-9_.-]{1,255})?$")]
"""What Jenkins accepts as the id of a credential."""
SecretKey = Annotated[str, Field(pattern=r"^([a-z0-9-]{1,63}/[a-z0-9.-]{1,253}/[A-Za-z0-9._-]{1,253})?$")]
VariableName = Annotated[str, written(r"([A-Za-z_][A-Za-z0-9_]*)?", "is not the name of a variable")]


@section
@dataclass(frozen=True, slots=True)
class SecretSettings:
    """A secret that builds, services and tests may have."""

    repos: tuple[RepositoryPattern, ...]
    """Patterns of the repositories that may use it, as in `[repos] allow`; required."""
    steps: tuple[SecretStep, ...]
    """Where they may use it: `build`, `deploy`, `services`, `test`; required."""
    file: Path | None = None
    """File with the value, which only the bot's account may read; it is read whenever a step starts."""
    env: VariableName = ""
    """Variable of the bot's own environment with the value, instead of a file."""
    kubernetes: SecretKey = ""
    """Key of a Secret in the cluster, as `namespace/name/key`; it is read whenever a step starts, with the
    account of `[kubernetes]`."""
    jenkins: CredentialId = ""
    """Id of the credential in Jenkins with the same value, which jobs get instead of the value. With `file`,
    `env` or `kubernetes`, the bot also gives the value to other runners, and masks it in the logs of jobs."""
    environments: tuple[EnvironmentPattern, ...] = ("*",)
    """Patterns of the environments in which services and tests may have it, such as `staging` or `qa-*`."""
    trust: SecretTrust = SecretTrust.MEMBERS
    """Whose commits may have it. `members`: only those that need no `/ok-to-test`. `approved`: also those of
    outside contributors that were approved, who can then read it."""

    @property
    def has_value(self) -> bool:
        """Whether the bot can read the value."""
        return bool(self.file or self.env or self.kubernetes)

    def source(self, name: str) -> SecretSource:
        """Return where its value is, if the bot can read it."""
        key = ClusterKey.parse(self.kubernetes) if self.kubernetes else None
        return SecretSource(name, self.file, self.env, key)

    def grant(self, name: str) -> SecretGrant:
        """Return which steps may have it."""
        return SecretGrant(
            name, self.repos, self.steps, self.environments, self.trust, self.jenkins, self.has_value
        )

    def problems(self, allowed: Sequence[str], *, jenkins: bool = True) -> Iterator[tuple[str, str]]:
        """Yield what is wrong besides the types: keys, and messages.

        `allowed` are those of `[repos]`; `jenkins` is whether there is a Jenkins.
        """
        for key in ("repos", "steps", "environments"):
            if not getattr(self, key):
                yield key, "must not be empty"
        for position, pattern in enumerate(self.repos):
            if problem := misplaced(pattern, self.repos[:position], allowed):
                yield "repos", f'"{pattern}" {problem}'
        if self.jenkins and not jenkins:
            yield "jenkins", "[jenkins] url is not set"
        yield from self._unreadable()

    def _unreadable(self) -> Iterator[tuple[str, str]]:
        if [bool(each) for each in (self.file, self.env, self.kubernetes)].count(True) > 1:
            yield "file", "only one of file, env and kubernetes may be set"
        elif self.file or self.env:
            try:
                self.source("").read()
            except SecretProblem as problem:
                yield "file" if self.file else "env", str(problem)
        elif not self.kubernetes and not self.jenkins:  # the start of the bot reads the cluster, and doctor
            yield "file", "one of file, env, kubernetes and jenkins must be set"
