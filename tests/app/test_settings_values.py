"""Conversion of settings to the engine's values."""

from datetime import timedelta

import pytest

from bot.app import values
from bot.core.language.command import PermissionLevel
from bot.discovery import find_commands
from bot.model.container_limits import ContainerMaximum
from bot.model.pipeline import RunnerName
from bot.settings.model import DockerSettings, KubernetesSettings, LimitsSettings, PreviewSettings, Settings
from tests.fakes.snapshots import policy_of


def test_a_permission_of_an_unknown_command_is_refused() -> None:
    rules = {"deploi": PermissionLevel.ADMIN, "test": PermissionLevel.WRITE}
    settings = Settings(permissions=policy_of(rules).entries)
    with pytest.raises(RuntimeError, match='unknown command deploi; did you mean "deploy"'):
        values.policy(settings, find_commands())


def test_a_runner_without_a_configured_limit_has_none() -> None:
    assert values.limits(Settings(limits=LimitsSettings(docker=1))).per_runner == {RunnerName.DOCKER: 1}


def test_repositories_may_ask_for_what_the_operator_sets_for_each_runner() -> None:
    settings = Settings(docker=DockerSettings(memory_max="4g", cpus=2.0))
    assert values.container_maximum(settings) == {
        "docker": ContainerMaximum("4g", 2.0),
        "kubernetes": ContainerMaximum("2g", 1.0),
    }


def test_zero_means_never() -> None:
    settings = Settings(preview=PreviewSettings(warn="0"), kubernetes=KubernetesSettings(sleep_after="30s"))
    assert values.warning_time(settings) == timedelta()
    assert values.idle_time(settings) == timedelta(seconds=30)


def test_https_previews_use_the_default_port_unless_configured() -> None:
    def port(**preview: object) -> str:
        settings = Settings(preview=PreviewSettings(scheme="https", domain="p.test", **preview))  # type: ignore[arg-type] # literal values
        return values.addresses(settings, web_port=1, preview_port=8081).preview("x")

    assert (port(), port(public_port=8443)) == ("https://x.p.test/", "https://x.p.test:8443/")
