"""The bot's own chart, as Helm renders and installs it."""

import json
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
"""The least that has to be said."""
RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart, and a Helm to handle it with."""

    helm: Path

    def run(self, *words: str, values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """Run Helm with values from standard input."""
        return subprocess.run(  # noqa: S603 - constant arguments
            [str(self.helm), *words, "--values", "-"],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
        )

    def render(
        self, values: Mapping[str, Any], release: str = "bot", namespace: str = "chatops", *options: str
    ) -> list[Object]:
        """Return the objects that an installation would make."""
        where = ("--namespace", namespace, *options)
        done = self.run("template", release, str(FOLDER), *where, values={**ENOUGH, **values})
        assert done.returncode == 0, done.stderr
        return [item for item in yaml.safe_load_all(done.stdout) if item]

    def rights(self, name: str, namespace: str) -> list[Object]:
        """Return the service account of that name and all that gives it rights."""
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
