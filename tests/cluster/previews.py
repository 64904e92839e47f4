"""Environments on the test cluster, deployed with exactly the rights of the chart."""

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.ports import Definition, EnvironmentSpec, TestSpec
from bot.runners.kubernetes.cluster import Cluster, ClusterAccess
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.options import EnvironmentLimits, KubernetesOptions, Routing
from bot.runners.kubernetes.platform import KubernetesPlatform
from bot.sandbox.process import ProcessSandbox
from tests.real.parts import tar
from tests.runners.kubernetes_samples import environment_of, suite_of

SERVE = "echo at your service > /dev/shm/index.html; exec httpd -f -p 8080 -h /dev/shm"


@dataclass(frozen=True, slots=True)
class Previews:
    """A platform and the data for its environments."""

    platform: KubernetesPlatform
    cluster: Cluster
    helm: Helm
    options: KubernetesOptions
    image: Image
    domain: str
    key: EnvironmentKey

    @property
    def host(self) -> str:
        """The public name of the environment."""
        return f"{naming.host_label(self.key, qualified=True)}.{self.domain}"

    @property
    def namespace(self) -> str:
        """The name of its namespace."""
        return naming.namespace(self.key, self.options.prefix, self.options.instance)

    def environment(self, **changes: Any) -> EnvironmentSpec:
        """Return the specification of a service that answers."""
        found: dict[str, Any] = {
            "key": self.key,
            "host": self.host,
            "image": self.image,
            "command": ("sh", "-c", SERVE),
            "memory": "64m",
            "health_timeout": 120,
            "labels": naming.labels(self.key, sha="a" * 40, run=7),
            "owner": "mei",
            "expires": datetime(2026, 5, 1, 12, tzinfo=UTC),
        }
        return environment_of(**{**found, **changes})

    def suite(self, command: str, **changes: Any) -> TestSpec:
        """Return the specification of a suite."""
        labels = naming.labels(self.key, sha="a" * 40, run=7)
        found = {"key": self.key, "image": self.image.pinned, "labels": labels, "timeout": 300}
        return suite_of(**{**found, "command": command, **changes})

    def other(self, options: KubernetesOptions) -> KubernetesPlatform:
        """Return a platform with other options."""
        return KubernetesPlatform(self.cluster, options, self.helm, ProcessSandbox())


@pytest.fixture
async def previews(  # noqa: PLR0917 - fixtures
    bot_kubeconfig: Path,
    instance: str,
    ingress: str,
    preview_domain: str,
    app_image: Image,
    base_image: str,
    tmp_path: Path,
) -> AsyncIterator[Previews]:
    """Give a platform for this test's own environments."""
    options = KubernetesOptions(
        instance,
        routing=Routing(address=ingress),
        limits=EnvironmentLimits(memory=256 << 20, quota_memory=700 << 20),
        run_as_user=1000,
        collector=base_image,
    )
    key = EnvironmentKey(RepoPath("acme", f"我的店-{uuid.uuid4().hex[:6]}"), 12, "preview")
    helm = Helm(ClusterAccess(bot_kubeconfig), tmp_path)
    async with Cluster(ClusterAccess(bot_kubeconfig)) as cluster:
        platform = KubernetesPlatform(cluster, options, helm, ProcessSandbox())
        yield Previews(platform, cluster, helm, options, app_image, preview_domain, key)


def definition_of(folder: Path, path: str, files: Mapping[str, str], **rest: Any) -> Definition:
    """Return the definition that a step passes for a repository with these files."""
    archive = folder / "definition.tar"
    archive.write_bytes(tar(files))
    return Definition(path, archive, **rest)
