"""The bot's own chart, rendered and installed by Helm."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "deploy/chart"
SECRET = "chatops"
ENOUGH = {"secrets": {"existingSecret": SECRET}}
"""The required values."""
HELMS = [name for name in ("helm", "helm4") if shutil.which(name)]
"""The available Helm programs; the tests' own cache holds both."""
RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart, and the Helm program to use."""

    helm: Path

    def run(
        self, *words: str, values: Mapping[str, Any] | None = None, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Helm with values on standard input, on the cluster of KUBECONFIG or another one."""
        return subprocess.run(  # noqa: S603 - constant arguments
            [str(self.helm), *words, *(() if values is None else ("--values", "-"))],
            input=json.dumps(values),
            env={**os.environ, **({} if kubeconfig is None else {"KUBECONFIG": str(kubeconfig)})},
            capture_output=True,
            text=True,
            check=False,
        )

    def do(self, *words: str, **how: Any) -> str:
        """Run Helm and return its output; fail with its error output."""
        done = self.run(*words, **how)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def render(
        self, values: Mapping[str, Any], release: str = "bot", namespace: str = "chatops", *options: str
    ) -> list[Object]:
        """Return the objects that an installation would create."""
        where = ("--namespace", namespace, *options)
        rendered = self.do("template", release, str(FOLDER), *where, values={**ENOUGH, **values})
        return [item for item in yaml.safe_load_all(rendered) if item]

    def rights(self, name: str, namespace: str) -> list[Object]:
        """Return the service account of that name and the objects that grant its rights."""
        found = self.render({"fullnameOverride": name}, name, namespace)
        rights = [item for item in found if item["kind"] in RIGHTS]
        for item in rights:
            if item["kind"] in {"ServiceAccount", "Role", "RoleBinding"}:
                item["metadata"]["namespace"] = namespace
        return rights


def one(items: list[Object], kind: str) -> Object:
    """Return the only object of a kind."""
    [found] = [item for item in items if item["kind"] == kind]
    return found
