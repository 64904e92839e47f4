"""Samples of requests to the Kubernetes runner."""

from typing import Any

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.ports import EnvironmentSpec, TestSpec

SHA = "1a2b3c4d" * 5
KEY = EnvironmentKey(RepoPath("acme", "我的店"), 12, "preview")
IMAGE = Image("registry.example.com/acme/shop:pr-12-1a2b3c4d", f"sha256:{'0' * 64}", 1, SHA)


def environment_of(**changes: Any) -> EnvironmentSpec:
    found: dict[str, Any] = {
        "key": KEY,
        "host": "pr-12-shop.example.com",
        "image": IMAGE,
        "port": 8080,
        "env": {},
        "command": (),
        "services": (),
        "memory": "128m",
        "health_path": None,
        "health_timeout": 30,
        "labels": naming.labels(KEY, sha=SHA, run=7),
    }
    return EnvironmentSpec(**{**found, **changes})


def suite_of(**changes: Any) -> TestSpec:
    found: dict[str, Any] = {
        "key": KEY,
        "suite": "unit",
        "image": IMAGE.pinned,
        "command": "",
        "env": {},
        "report": "/reports",
        "timeout": 60,
        "memory": "64m",
        "labels": naming.labels(KEY, sha=SHA, run=7),
    }
    return TestSpec(**{**found, **changes})
