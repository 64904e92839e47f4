from dataclasses import replace

import pytest

from bot.core.admission.permissions import Policy
from bot.core.language.catalog import command_help, misnamed, names, offered
from bot.core.language.command import PermissionLevel
from bot.model.pipeline import Automatic, Pipeline
from bot.model.text import Text
from bot.model.views import ArgumentHelp, CommandHelp
from tests.fakes.snapshots import COMMANDS, REPO, policy_of


def shown(pipeline: Pipeline | None = None) -> dict[str, CommandHelp]:
    return offered(COMMANDS, policy_of({"build": PermissionLevel.WRITE}), pipeline or Pipeline(), REPO)


def test_configuration_may_name_automatic_commands() -> None:
    known = names(COMMANDS)

    assert {"build", "deploy", "test", "teardown", "构建", "部署", "测试", "销毁"} <= known
    assert not known & {"help", "status", "cancel", "ok-to-test", "retest", "帮助"}
    assert known >= {*Automatic().open, *Automatic().update, *Automatic().close}


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("build", None),
        ("ok-to-test", None),
        ("deploy staging", None),
        ("extend staging", None),
        ("deploi", 'unknown command deploi; did you mean "deploy"?'),
        ("构建", "unknown command 构建; the commands are build, deploy,"),
        ("zzz staging", "unknown command zzz; the commands are build, deploy,"),
        ("test staging", None),
        (
            "build staging",
            "build takes no environment; these do: deploy, reset, test, retest, extend, wake, teardown",
        ),
    ],
)
def test_permissions_may_only_name_commands_and_environments_of_those_that_take_one(
    key: str, problem: str | None
) -> None:
    [entry] = policy_of({key: PermissionLevel.WRITE}).entries
    found = misnamed([replace(entry, source="chatops.toml:3")], COMMANDS)
    assert [one.startswith(f"chatops.toml:3: {problem}") for one in found] == ([True] if problem else [])


def test_help_lists_the_available_commands() -> None:
    disabled = Pipeline(deploy=replace(Pipeline().deploy, enabled=False))

    without_sleep = [command.name for command in COMMANDS if command.name != "wake"]
    assert list(shown()) == without_sleep
    assert list(shown(disabled)) == [
        name for name in without_sleep if name not in {"deploy", "reset", "extend"}
    ]


def test_help_shows_the_effective_permission_level() -> None:
    levels = {name: entry.permission for name, entry in shown().items()}

    assert levels["build"] == ("write",)
    assert levels["test"] == ("contributor",)


def test_one_command_is_explained() -> None:
    cancel = next(command for command in COMMANDS if command.name == "cancel")

    entry = command_help(cancel, Policy())

    assert (entry.usage, entry.aliases) == ("/cancel [run]", cancel.aliases)
    assert entry.permission == ("contributor",)
    assert entry.examples == cancel.examples
    [argument] = entry.arguments
    text = Text(
        en="Number of the run; by default all runs of this pull request.",
        zh="运行编号，省略时取消此 PR 的全部运行。",
    )
    assert argument == ArgumentHelp("run", "[run]", text)


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("build", "/build"),
        ("deploy", "/deploy [env] [ttl=…]"),
        ("test", "/test [suite…] [env=…]"),
        ("retest", "/retest [failed] [env=…]"),
        ("teardown", "/teardown [env]"),
        ("ok-to-test", "/ok-to-test [sha]"),
        ("help", "/help [command]"),
    ],
)
def test_usage_is_derived(name: str, usage: str) -> None:
    assert next(command.usage for command in COMMANDS if command.name == name) == usage
