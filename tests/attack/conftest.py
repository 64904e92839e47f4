"""Fixtures: `lone_scene` starts a real `chatops serve` process beside an offline Gitee and a fake runner."""

from tests.crash.conftest import engine, gitee, lone_scene, shared_scene

__all__ = ["engine", "gitee", "lone_scene", "shared_scene"]
