"""Secrets of the operator, which steps receive: named in `chatops.toml`, asked for in `.chatops.yml`."""

from dataclasses import dataclass, field
from enum import StrEnum


class SecretProblem(Exception):  # noqa: N818 - what is wrong, for the operator
    """A secret of the operator cannot be used; the message says why, without its value."""


@dataclass(frozen=True, slots=True)
class ClusterKey:
    """A key of a Secret in the cluster."""

    namespace: str
    name: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "ClusterKey":
        """Read `namespace/name/key`."""
        namespace, name, key = text.split("/")
        return cls(namespace, name, key)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}/{self.key}"


class SecretStep(StrEnum):
    """Where a secret can be delivered to. The services of a deployment count separately."""

    BUILD = "build"
    DEPLOY = "deploy"
    SERVICES = "services"
    TEST = "test"


class SecretTrust(StrEnum):
    """Whose commits a step must be of."""

    MEMBERS = "members"
    """Commits that only people with write access can have pushed."""
    APPROVED = "approved"
    """Also commits of outside contributors that were approved with `/ok-to-test`."""


@dataclass(frozen=True, slots=True)
class SecretGrant:
    """Which steps may have a secret, as the operator says."""

    name: str
    repos: tuple[str, ...]
    """Patterns of repositories, as in `[repos] allow`."""
    steps: tuple[SecretStep, ...]
    environments: tuple[str, ...] = ("*",)
    """Patterns of environments; a build has none."""
    trust: SecretTrust = SecretTrust.MEMBERS
    jenkins: str = ""
    """Id of the credential in Jenkins with this secret, which jobs get instead; empty for none."""
    has_value: bool = True
    """Whether the bot can read the value."""


@dataclass(frozen=True, slots=True)
class SecretRequest:
    """A secret that a step asks for."""

    name: str
    part: str
    """What receives it, by the name of its section in `.chatops.yml`: `images.web`, `services.db`."""
    environment: str = ""
    """Empty for builds."""
    variable: str = ""
    """Environment variable that receives it; empty for a file."""

    @property
    def step(self) -> SecretStep:
        """The step that a grant must name."""
        section = self.part.partition(".")[0]
        return SecretStep.BUILD if section == "images" else SecretStep(section)


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret that a step may have, read when the step starts. It is never stored."""

    name: str
    """As in `chatops.toml` and `.chatops.yml`; also its file name in containers, and its id in builds."""
    value: bytes = field(repr=False)
    variable: str = ""
    """Environment variable of the container that receives it; empty for the file `/run/secrets/<name>`."""

    @property
    def text(self) -> str:
        """The value of its variable: without the line end that editors add to files."""
        return self.value.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")

    @property
    def fits_variable(self) -> bool:
        """Whether it is one line of UTF-8."""
        text = self.text
        return text.encode() in {self.value, self.value.rstrip(b"\r\n")} and not set(text) & set("\r\n")
