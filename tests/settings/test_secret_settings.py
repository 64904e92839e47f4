"""Secrets in `chatops.toml`, and everything that can be wrong with them at the start."""

from pathlib import Path

import pytest

from bot.app import values
from bot.model.secrets import ClusterKey, SecretGrant, SecretStep, SecretTrust
from bot.settings.load import SettingsError, load

ALLOW = "[repos]\nallow = ['shop/*', '!shop/legacy']\n"


def file_with(folder: Path, text: str) -> Path:
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text("hunter2-9f86d081")
    file = folder / "chatops.toml"
    file.write_text(ALLOW + text.replace("SECRET", str(secret)))
    return file


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(file_with(folder, text), environ)
    return [problem.replace(str(folder), "") for problem in error.value.problems]


def test_a_secret_is_granted_as_it_is_written(tmp_path: Path) -> None:
    text = """\
[secrets.npm-token]
file = "SECRET"
repos = ["shop/*", "!shop/old"]
steps = ["build", "test"]
environments = ["staging"]
trust = "approved"
"""
    found = load(file_with(tmp_path, text), {}).secrets["npm-token"]
    assert found.grant("npm-token") == SecretGrant(
        "npm-token",
        ("shop/*", "!shop/old"),
        (SecretStep.BUILD, SecretStep.TEST),
        ("staging",),
        SecretTrust.APPROVED,
    )
    assert found.source("npm-token").read() == b"hunter2-9f86d081"


def test_jenkins_can_have_a_secret_that_the_bot_cannot_read(tmp_path: Path) -> None:
    jenkins = "[jenkins]\nurl = 'https://jenkins.example.com'\n"
    text = jenkins + PLAIN.replace("file = 'SECRET'", "jenkins = 'npm.read_only-1'")
    found = load(file_with(tmp_path, text), {})
    assert found.secrets["token"].grant("token") == SecretGrant(
        "token", ("shop/*",), (SecretStep.BUILD,), jenkins="npm.read_only-1", has_value=False
    )
    assert values.secret_sources(found) == ()
    both = load(file_with(tmp_path, jenkins + PLAIN + "jenkins = 'npm-1'\n"), {})
    assert both.secrets["token"].has_value


IDS = "string should match pattern '^([A-Za-z0-9_.-]{1,255})?$'"
NAMES = "should be a name of at most 63 lowercase letters, digits, dots, hyphens and underscores"
KEY = r"^([a-z0-9-]{1,63}/[a-z0-9.-]{1,253}/[A-Za-z0-9._-]{1,253})?$"
AFTER = "place it after the pattern that it limits"
NO_ENVIRONMENT = 'is not a pattern of environments, such as "staging" or "qa-*"'
PLAIN = "[secrets.token]\nfile = 'SECRET'\nrepos = ['shop/*']\nsteps = ['build']\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PLAIN.replace("repos = ['shop/*']\n", ""), "/chatops.toml:3: secrets.token.repos: is required"),
        (PLAIN.replace("'build'", ""), "/chatops.toml:6: secrets.token.steps: must not be empty"),
        (PLAIN.replace("steps = ['build']\n", ""), "/chatops.toml:3: secrets.token.steps: is required"),
        (
            PLAIN.replace("'build'", "'setup'"),
            "/chatops.toml:6: secrets.token.steps.1: should be 'build', 'deploy', 'services' or 'test'",
        ),
        (
            PLAIN.replace("shop/*", "shop"),
            '/chatops.toml:5: secrets.token.repos.1: is not a pattern of repositories, such as "shop/*"',
        ),
        (
            PLAIN.replace("shop/*", "other/*"),
            '/chatops.toml:5: secrets.token.repos: "other/*" fits no repository that [repos] allow has',
        ),
        (
            PLAIN.replace("shop/*", "shop/legacy"),
            '/chatops.toml:5: secrets.token.repos: "shop/legacy" fits no repository that [repos] allow has',
        ),
        (
            PLAIN.replace("['shop/*']", "['!shop/web', 'shop/*']"),
            '/chatops.toml:5: secrets.token.repos: "!shop/web" excludes nothing: ' + AFTER,
        ),
        (
            PLAIN.replace("['shop/*']", "['shop/web', '!shop/*', '!other/*']"),
            '/chatops.toml:5: secrets.token.repos: "!other/*" excludes nothing: ' + AFTER,
        ),
        (
            PLAIN + "environments = ['*', '!production']\n",
            f"/chatops.toml:7: secrets.token.environments.2: {NO_ENVIRONMENT}",
        ),
        (
            PLAIN + "environments = ['Production']\n",
            f"/chatops.toml:7: secrets.token.environments.1: {NO_ENVIRONMENT}",
        ),
        (
            PLAIN + "environments = []\n",
            "/chatops.toml:7: secrets.token.environments: must not be empty",
        ),
        (
            PLAIN.replace("file =", "fiel ="),
            '/chatops.toml:4: secrets.token.fiel: unknown key; did you mean "file"?',
        ),
        (
            PLAIN + "env = 'TOKEN'\n",
            "/chatops.toml:4: secrets.token.file: only one of file, env and kubernetes may be set",
        ),
        (
            PLAIN + "kubernetes = 'shop/database/password'\n",
            "/chatops.toml:4: secrets.token.file: only one of file, env and kubernetes may be set",
        ),
        (
            PLAIN.replace("file = 'SECRET'", "kubernetes = 'database/password'"),
            f"/chatops.toml:4: secrets.token.kubernetes: string should match pattern '{KEY}'",
        ),
        (
            PLAIN.replace("file = 'SECRET'\n", ""),
            "/chatops.toml:3: secrets.token.file: one of file, env, kubernetes and jenkins must be set",
        ),
        (
            PLAIN + "jenkins = 'npm-1'\n",
            "/chatops.toml:7: secrets.token.jenkins: [jenkins] url is not set",
        ),
        *(
            (
                PLAIN + f"jenkins = '{odd}'\n",
                f"/chatops.toml:7: secrets.token.jenkins: {IDS}",
            )
            for odd in ("two ids", "a,b=c", "口令", "../id", "i" * 256)
        ),
        (
            PLAIN.replace("'SECRET'", "'/none'"),
            "/chatops.toml:4: secrets.token.file: /none cannot be read: No such file or directory",
        ),
        (
            PLAIN.replace("'SECRET'", '"a\\u0000b"'),
            "/chatops.toml:4: secrets.token.file: 'a\\x00b' is not the path of a file",
        ),
        (
            PLAIN.replace("file = 'SECRET'", "env = 'NO-NAME'"),
            "/chatops.toml:4: secrets.token.env: is not the name of a variable",
        ),
        (
            PLAIN.replace("file = 'SECRET'", "env = 'CHATOPS_NO_SUCH_VARIABLE'"),
            "/chatops.toml:4: secrets.token.env: the variable CHATOPS_NO_SUCH_VARIABLE is not set",
        ),
        (
            PLAIN.replace("file = 'SECRET'", "env = 'CHATOPS_GITEE__TOKEN'"),
            "/chatops.toml:4: secrets.token.env: is a setting of the bot itself; name another variable",
        ),
        (
            PLAIN.replace("secrets.token", "secrets.Token"),
            f"/chatops.toml:3: secrets.Token.[key]: {NAMES}",
        ),
        (
            "[secrets]\ntoken = 'hunter2-9f86d081'\n",
            "/chatops.toml:4: secrets.token: should be a section, not a value",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert problems(tmp_path, text) == [expected]


def test_a_key_of_a_secret_in_the_cluster_is_read_later(tmp_path: Path) -> None:
    text = PLAIN.replace("file = 'SECRET'", "kubernetes = 'shop/database/password'")
    found = load(file_with(tmp_path, text), {}).secrets["token"]
    assert found.source("token").cluster == ClusterKey("shop", "database", "password")


def test_a_file_that_everyone_reads_is_refused(tmp_path: Path) -> None:
    file = file_with(tmp_path, PLAIN)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(SettingsError, match=r"chatops.toml:4: secrets.token.file: .*every account"):
        load(file, {})


def test_a_variable_of_the_bot_names_no_secret(tmp_path: Path) -> None:
    assert problems(tmp_path, "", CHATOPS_SECRETS__TOKEN="hunter22") == [
        "CHATOPS_SECRETS__TOKEN: [secrets] is set in the file only"
    ]
