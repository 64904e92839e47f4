"""`[permissions]` as operators write it."""

from pathlib import Path

import pytest

from bot.core.admission.permissions import Entry, Rule
from bot.core.language.command import PermissionLevel
from bot.settings.load import load
from bot.settings.problems import SettingsError

RULES = """\
[permissions."shop/web.*"]
"deploy production" = "@sun"

[permissions]
deploy = "write"
'deploy production' = ["@lin", "@wang", "owners"] # "not" = 'a key'
teardown = ["admin", "owners"]
build = "owners"

[permissions."team/*"]
deploy = 'admin'
"""


def problems(file: Path, text: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    return [one.removeprefix(f"{file}") for one in caught.value.problems]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chatops.toml"


def test_rules_name_levels_people_and_owners_by_command_environment_and_repository(file: Path) -> None:
    file.write_text(RULES)
    at = f"{file}:{{}}: permissions.{{}}"
    production, web = Rule(None, ("lin", "wang"), owners=True), "shop/web.*.deploy production"
    assert load(file, {}).permissions == (
        Entry("deploy", Rule(PermissionLevel.WRITE), source=at.format(5, "deploy")),
        Entry("deploy", production, "production", source=at.format(6, "deploy production")),
        Entry("teardown", Rule(PermissionLevel.ADMIN, owners=True), source=at.format(7, "teardown")),
        Entry("build", Rule(owners=True), source=at.format(8, "build")),
        Entry("deploy", Rule(people=("sun",)), "production", "shop/web.*", at.format(2, web)),
        Entry("deploy", Rule(PermissionLevel.ADMIN), "", "team/*", at.format(11, "team/*.deploy")),
    )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("write", Rule(PermissionLevel.WRITE)),
        ("@lin", Rule(people=("lin",))),
        ("@lin, owners", Rule(people=("lin",), owners=True)),
        ('["admin", "@lin"]', Rule(PermissionLevel.ADMIN, ("lin",))),
        ('["admin"]', Rule(PermissionLevel.ADMIN)),
    ],
)
def test_a_variable_takes_one_word_or_a_list(text: str, rule: Rule) -> None:
    [entry] = load(None, {"CHATOPS_PERMISSIONS__OK_TO_TEST": text}).permissions
    source = "CHATOPS_PERMISSIONS__OK_TO_TEST: permissions.ok-to-test"
    assert entry == Entry("ok-to-test", rule, source=source)


def test_a_variable_replaces_the_rule_of_the_file(file: Path) -> None:
    file.write_text('[permissions]\nbuild = "admin"\n[permissions."team/*"]\nbuild = "@lin"\n')
    found = load(file, {"CHATOPS_PERMISSIONS__BUILD": "owners"}).permissions
    assert [(one.pattern, one.rule) for one in found] == [
        ("", Rule(owners=True)),
        ("team/*", Rule(people=("lin",))),
    ]


EXPECTED = 'expected a level, "owners", a login such as "@lin", or a list of these'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('deploy = ["@lin", "ownres"]', "deploy: 'ownres': unknown level; did you mean \"owners\"?"),
        ('deploy = "lin"', "deploy: 'lin': unknown level; did you mean \"@login\"?"),
        ('deploy = "@l\u0131n"', "deploy: '@l\u0131n': unknown level; did you mean \"@login\"?"),
        ('deploy = ["write", "admin"]', "deploy: names two levels; the lower one is enough"),
        ("deploy = []", "deploy: names nobody"),
        ("deploy = 3", f"deploy: {EXPECTED}"),
        ("deploy = 2026-01-01", f"deploy: {EXPECTED}"),
        ("deploy = [3]", f"deploy: {EXPECTED}"),
        (
            '"deploy two words" = "write"',
            'deploy two words: is neither a command nor a command and an environment, "deploy staging"',
        ),
        (
            '"/deploy" = "write"',
            '/deploy: is neither a command nor a command and an environment, "deploy staging"',
        ),
        ('shop = { deploy = "write" }', 'shop: is not a pattern of repositories, such as "shop/*"'),
        ('"a/b/c" = { deploy = "write" }', 'a/b/c: is not a pattern of repositories, such as "shop/*"'),
        ('"!shop/x" = { deploy = "write" }', '!shop/x: is not a pattern of repositories, such as "shop/*"'),
        ('"shop/x" = { deploy = "wirte" }', "shop/x.deploy: 'wirte': unknown level; did you mean \"write\"?"),
        (
            '"shop/x" = { y = { deploy = "write" } }',
            f"shop/x.y: {EXPECTED}",
        ),
    ],
)
def test_a_wrong_entry_is_an_error_with_its_line(file: Path, text: str, problem: str) -> None:
    [found] = problems(file, f"[permissions]\n{text}\n")
    assert found == f":2: permissions.{problem}"


@pytest.mark.parametrize("pattern", ["other/*", "*/web", "team/shop"])
def test_a_rule_for_repositories_that_the_bot_does_not_serve_is_reported(file: Path, pattern: str) -> None:
    text = f'[repos]\nallow = ["shop/a*"]\n[permissions."{pattern}"]\ndeploy = "admin"\n'
    assert problems(file, text) == [
        f":3: permissions.{pattern}: fits no repository that [repos] allow has",
    ]


def test_a_rule_may_fit_repositories_that_the_bot_serves_among_others(file: Path) -> None:
    text = '[repos]\nallow = ["shop/*", "!shop/web"]\n[permissions."*/w*"]\ndeploy = "admin"\n'
    file.write_text(text)
    assert [entry.pattern for entry in load(file, {}).permissions] == ["*/w*"]
