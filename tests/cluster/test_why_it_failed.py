"""The comment on each failure of a deployment, from real failures on the cluster."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import TellUser
from bot.model.run import RunState, StepResult, StepState
from bot.model.text import Language
from bot.ports import EnvironmentSpec
from bot.render.renderer import TemplateRenderer
from bot.runners.kubernetes.options import KubernetesOptions
from tests.cluster.access import PATIENCE
from tests.cluster.previews import Previews, definition_of
from tests.cluster.rollout_clock import TimeOutAfter
from tests.fakes.log import FakeLog
from tests.render.run_samples import BUILT, over, run, skipped, view

ROOT = Path(__file__).parents[2]
MARKER = "<!-- chatops:run=42 -->"
PLACES = (
    (r"127\.0\.0\.1:\d+/team/app@sha256:[0-9a-f]+", "registry.example.com/team/app@sha256:0a1b"),
    (r"\b\d+\.\d+\.\d+\.\d+:", "10.0.0.7:"),
    (r"pr-12-[0-9a-f-]+-unreachable-[0-9a-f]+", "pr-12-shop"),
    (r"(web|migrate)-[0-9a-f]*-?[a-z0-9]{5}\b", r"\1-5d9c7"),
    (r"pr-12-[0-9a-z-]+-[0-9a-f]{10}", "pr-12-shop-1a2b3c4d5e"),
)
"""Replacements for what differs from run to run."""

Changes = dict[str, Any]


def workload(kind: str, name: str, pod: Changes, **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    selector = {"selector": {"matchLabels": labels}} if kind == "Deployment" else {}
    return {
        "apiVersion": "apps/v1" if kind == "Deployment" else "batch/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {**selector, **spec, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def web(container: Changes | None = None, replicas: int = 1, **pod: Any) -> dict[str, Any]:
    shown = {"name": "web", "image": "IMAGE", "command": ["sleep", "600"], **(container or {})}
    context = {"runAsUser": 1000, "runAsNonRoot": True}
    rest = {"terminationGracePeriodSeconds": 1, "securityContext": context, **pod}
    return workload("Deployment", "web", {"containers": [shown], **rest}, replicas=replicas)


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "app"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 8080, "protocol": "TCP"}]},
}
MIGRATE = workload(
    "Job",
    "migrate",
    {
        "restartPolicy": "Never",
        "securityContext": {"runAsUser": 1000},
        "containers": [
            {
                "name": "migrate",
                "image": "IMAGE",
                "command": ["sh", "-c", "echo 'ERROR: no such table: guests'; exit 4"],
                "resources": {"limits": {"memory": "32Mi"}},
            }
        ],
    },
    backoffLimit=0,
)
SMALL = {"resources": {"limits": {"memory": "32Mi"}}}

FAILURES: dict[str, Changes] = {
    "image_pull": {"gone": True},
    "crash_loop": {"command": ("sh", "-c", "echo 'KeyError: DATABASE_URL'; exit 7")},
    # More than once: an engine may miss the last event if the container has already ended.
    "out_of_memory": {
        "command": ("sh", "-c", "exec 2>&-; for time in 1 2 3; do tail /dev/zero; done; exit 1"),
        "memory": "16m",
    },
    "probe_path": {"health_path": "/healthz", "health_timeout": 4, "words": "statuscode: 404"},
    "probe_port": {"port": 9000, "health_timeout": 4, "words": ":9000: connect: connection refused"},
    "no_such_command": {"command": ("/bin/serve",)},
    "missing_secret": {
        "objects": [
            web(
                {
                    "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "k"}}}],
                    **SMALL,
                }
            )
        ]
    },
    "quota": {"objects": [web({"resources": {"limits": {"memory": "250Mi"}}}, replicas=3)]},
    "unschedulable": {
        "objects": [web(SMALL, nodeSelector={"kubernetes.io/arch": "s390x"})],
        "health_timeout": 1,
        "words": "nodes are available",
    },
    "hook": {"objects": [web(SMALL), MIGRATE]},
    "refused": {"objects": [web({"securityContext": {"privileged": True}}, hostNetwork=True)]},
    "unreachable": {"level": "unreachable", "health_timeout": 3},
    "runs_as_root": {"level": "root"},
}


async def failed(previews: Previews, name: str, folder: Path, time_out_after: TimeOutAfter) -> StepResult:
    """Deploy one of the failures in its own environment, and return the step's result."""
    changes = dict(FAILURES[name])
    objects, gone, level = changes.pop("objects", None), changes.pop("gone", False), changes.pop("level", "")
    log = FakeLog()
    if words := changes.pop("words", ""):
        time_out_after(log, words)
    key = replace(previews.key, name=name)
    there = replace(previews, key=key)
    if gone:
        changes["image"] = replace(previews.image, digest=f"sha256:{'0' * 64}")
    if objects is not None:
        (folder / name).mkdir()
        text = "\n---\n".join(map(json.dumps, [*objects, SERVICE]))
        files = {"all.yaml": text.replace('"IMAGE"', "{{ image.pinned | json }}")}
        changes["definition"] = definition_of(folder / name, "deploy/k8s", files)
    spec: EnvironmentSpec = there.environment(labels=naming.labels(key, sha="a" * 40, run=7), **changes)
    platform = there.other(_operator(previews.options, level))
    with pytest.raises(TellUser) as caught:
        async with asyncio.timeout(PATIENCE):
            await platform.deploy(spec, log)
    error = caught.value
    facts = {fact: _placed(value) for fact, value in error.facts.items()}
    return StepResult(StepState.FAILED, error.reason, facts, log_tail=_placed(error.log))


def _operator(options: KubernetesOptions, level: str) -> KubernetesOptions:
    if level == "root":
        return replace(options, run_as_user=None)
    if level == "unreachable":
        return replace(options, routing=replace(options.routing, address="http://127.0.0.1:9"))
    return options


def _placed(text: str) -> str:
    for pattern, place in PLACES:
        text = re.sub(pattern, place, text)
    return text


async def test_each_failure_equals_its_golden_file(
    previews: Previews, tmp_path: Path, golden: Callable[[str, str], None], time_out_after: TimeOutAfter
) -> None:
    names = list(FAILURES)
    results: list[StepResult] = []
    for some in (names[at : at + 5] for at in range(0, len(names), 5)):
        results += await asyncio.gather(*(failed(previews, name, tmp_path, time_out_after) for name in some))
    renderer = TemplateRenderer(ROOT / "comment_templates")

    for name, result in zip(names, results, strict=True):
        ended = run(
            BUILT, over("deploy", 9.0, result), skipped("test"), state=RunState.FAILED, command="/deploy"
        )
        for language in Language:
            golden(f"cluster/{name}.{language}.md", renderer.render(view(ended, "/deploy"), language, MARKER))


def test_every_golden_file_has_a_failure() -> None:
    expected = {f"{name}.{language}.md" for name in FAILURES for language in Language}

    assert {file.name for file in (ROOT / "tests" / "golden" / "cluster").glob("*.md")} == expected
