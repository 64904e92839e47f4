"""Settings from the file, the environment and secret files."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.admission.permissions import Rule
from bot.core.language.command import PermissionLevel
from bot.model.text import Language
from bot.settings.load import SettingsError, load
from bot.settings.model import Settings
from bot.settings.shape import keys
from bot.settings.toml_lines import line_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chatops.toml"


def problems(file: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(file, environ or {})
    return [line.replace(str(file), "chatops.toml") for line in caught.value.problems]


def rules(settings: Settings) -> dict[str, Rule]:
    return {entry.command: entry.rule for entry in settings.permissions}


def test_without_a_file_and_variables_all_values_are_defaults() -> None:
    assert load(None, {}) == Settings()
    assert load(None, {"PATH": "/bin", "CHATOPS_CONFIG": "x", "OTHER__KEY": "1"}) == Settings()


def test_values_come_from_the_file(file: Path) -> None:
    file.write_text(
        '[server]\nport = 9000\ndata_dir = "/srv/chatops"\n[docker]\ncpus = 2\nfirewall = false\n'
        '[repos]\nallow = ["org/*", "!org/legacy"]\n[comments]\nlanguage = "en"\n'
        '[permissions]\nok-to-test = "admin"\n'
    )

    read = load(file, {})

    assert (read.server.port, read.server.data_dir) == (9000, Path("/srv/chatops"))
    assert (read.docker.cpus, read.docker.firewall) == (2.0, False)
    assert read.repos.allow == ("org/*", "!org/legacy")
    assert read.comments.language is Language.EN
    assert rules(read) == {"ok-to-test": Rule(PermissionLevel.ADMIN)}
    assert read.store_url == "sqlite:////srv/chatops/chatops.db"


def test_the_environment_overrides_the_file(file: Path) -> None:
    file.write_text('[server]\nport = 9000\nhost = "::1"\n')

    read = load(file, {"CHATOPS_SERVER__PORT": "9001", "CHATOPS_PREVIEW__PUBLIC_PORT": "443"})

    assert (read.server.port, read.server.host, read.preview.public_port) == (9001, "::1", 443)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a/*, !a/b", ("a/*", "!a/b")), ('["a/*", "b,c/*"]', ("a/*", "b,c/*")), ("", ()), ("a/b,", ("a/b",))],
)
def test_a_list_in_a_variable_is_comma_separated_or_json(text: str, expected: tuple[str, ...]) -> None:
    assert load(None, {"CHATOPS_REPOS__ALLOW": text}).repos.allow == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), ("YES", True), ("1", True), ("off", False), ("0", False)]
)
def test_a_boolean_in_a_variable_is_a_word(text: str, expected: bool) -> None:  # noqa: FBT001 - an expectation
    assert load(None, {"CHATOPS_REGISTRY__INSECURE": text}).registry.insecure is expected


def test_a_command_in_a_variable_has_underscores() -> None:
    read = load(None, {"CHATOPS_PERMISSIONS__OK_TO_TEST": "admin", "CHATOPS_PERMISSIONS__DEPLOY": "write"})

    assert rules(read) == {"ok-to-test": Rule(PermissionLevel.ADMIN), "deploy": Rule(PermissionLevel.WRITE)}


def test_a_single_webhook_secret_needs_no_list(file: Path) -> None:
    file.write_text('[gitee]\nwebhook_secret = "only, one"\n')

    assert [one.get_secret_value() for one in load(file, {}).gitee.webhook_secret] == ["only, one"]


def test_secrets_are_read_from_files(file: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame\n")
    (tmp_path / "hooks").write_text("new\n\nold\n")
    file.write_text(f'[gitee]\ntoken_file = "{tmp_path}/token"\nwebhook_secret_file = "{tmp_path}/hooks"\n')
    (tmp_path / "password").write_text("word")

    read = load(file, {"CHATOPS_REGISTRY__PASSWORD_FILE": f"{tmp_path}/password"})

    assert read.gitee.token.get_secret_value() == "sesame"
    assert [one.get_secret_value() for one in read.gitee.webhook_secret] == ["new", "old"]
    assert read.registry.password.get_secret_value() == "word"


def test_a_variable_overrides_the_file_in_every_form(file: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file")
    file.write_text('[gitee]\ntoken = "plain"\n')
    assert (
        load(file, {"CHATOPS_GITEE__TOKEN_FILE": f"{tmp_path}/token"}).gitee.token.get_secret_value()
        == "from a file"
    )

    file.write_text('[gitee]\ntoken_file = "/nonexistent"\n')
    assert load(file, {"CHATOPS_GITEE__TOKEN": "plain"}).gitee.token.get_secret_value() == "plain"


def test_a_secret_in_two_forms_is_an_error(file: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    file.write_text(f'[gitee]\ntoken = "y"\ntoken_file = "{tmp_path}/token"\n')

    assert problems(file) == ["chatops.toml:3: gitee.token_file: both token and token_file are set"]
    both = {"CHATOPS_GITEE__TOKEN": "y", "CHATOPS_GITEE__TOKEN_FILE": f"{tmp_path}/token"}
    assert problems(None, both) == ["CHATOPS_GITEE__TOKEN_FILE: both token and token_file are set"]


def test_an_unreadable_secret_file_is_reported(file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff")
    file.write_text(
        f'[gitee]\ntoken_file = "{tmp_path}/none"\nwebhook_secret_file = 5\n'
        f'[store]\nurl_file = "{tmp_path}/empty"\n[registry]\npassword_file = "{tmp_path}/binary"\n'
    )

    assert problems(file) == [
        f"chatops.toml:2: gitee.token_file: '{tmp_path}/none' cannot be read: No such file or directory",
        "chatops.toml:3: gitee.webhook_secret_file: should be the path of a file",
        f"chatops.toml:5: store.url_file: '{tmp_path}/empty' is empty",
        f"chatops.toml:7: registry.password_file: '{tmp_path}/binary' cannot be read: it is not UTF-8 text",
    ]


def test_all_errors_are_reported_at_once_with_position_and_suggestion(file: Path) -> None:
    file.write_text(
        "[server]\nprot = 80\nport = 'x'\n\n[gitte]\nurl = 'x'\n[docker]\ncpus = 0\nfirewall = 'yes'\n"
        "[repos]\nallow = [\n  'org/*',\n  3,\n]\n[permissions]\nbuild = 'wirte'\n"
        "[preview]\nttl = 'soon'\n[comments]\nlanguage = 'fr'\n"
    )

    found = problems(file, {"CHATOPS_LIMITS__RUNS": "many", "CHATOPS_SERVER__HOTS": "x", "CHATOPS_X__Y": "1"})

    assert set(found) == {
        'chatops.toml:2: server.prot: unknown key; did you mean "port"?',
        "chatops.toml:3: server.port: should be a valid integer",
        'chatops.toml:5: gitte: unknown section; did you mean "gitee"?',
        "chatops.toml:8: docker.cpus: should be greater than 0",
        "chatops.toml:9: docker.firewall: should be a valid boolean",
        "chatops.toml:11: repos.allow.2: should be a valid string",
        "chatops.toml:16: permissions.build: 'wirte': unknown level; did you mean \"write\"?",
        "chatops.toml:18: preview.ttl: string should match pattern '^[1-9][0-9]{0,4}[smhdw]$'",
        "chatops.toml:20: comments.language: should be 'zh' or 'en'",
        "CHATOPS_LIMITS__RUNS: should be a valid integer",
        'CHATOPS_SERVER__HOTS: unknown key; did you mean "hosts"?',
        f"CHATOPS_X__Y: unknown section; expected one of: {', '.join(sorted(keys()))}",
    }


@pytest.mark.parametrize("value", ["80", "true", "1.5", "[]", "2026-01-01", "{ x = 1 }"])
def test_a_value_of_a_wrong_type_is_an_error(file: Path, value: str) -> None:
    file.write_text(f"[server]\nhost = {value}\n")

    assert problems(file) == ["chatops.toml:2: server.host: should be a valid string"]


def test_a_section_as_a_value_is_an_error(file: Path) -> None:
    file.write_text("server = 5\npermissions = 5\n")

    assert problems(file, {"CHATOPS_SERVER__PORT": "1"}) == [
        "chatops.toml:1: server: should be a section, not a value",
        "chatops.toml:2: permissions: should be a section, not a value",
    ]


@pytest.mark.parametrize("cpus", ["0", "-1", "inf", "nan", "two"])
def test_processors_must_be_above_zero(cpus: str) -> None:
    assert problems(None, {"CHATOPS_DOCKER__CPUS": cpus})[0].startswith("CHATOPS_DOCKER__CPUS: should be")


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_ports_are_validated(port: str) -> None:
    assert problems(None, {"CHATOPS_SERVER__PORT": port})[0].startswith("CHATOPS_SERVER__PORT: should be")


@pytest.mark.parametrize(
    "url", ["gitee.com", "ftp://gitee.com", "https://", "https://a b", "https://u:p@host", "https://x?y"]
)
def test_web_addresses_are_validated_and_have_no_credentials(url: str) -> None:
    assert problems(None, {"CHATOPS_GITEE__URL": url})[0].startswith(
        "CHATOPS_GITEE__URL: string should match"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"[server", "is not TOML: "), (b"a = 1\na = 2", "is not TOML: "), (b"\xff", "is not UTF-8")],
)
def test_a_file_that_is_not_toml_is_reported(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)

    assert problems(file)[0].startswith(f"chatops.toml: {words}")


def test_a_missing_file_is_reported(file: Path) -> None:
    assert problems(file) == ["chatops.toml: cannot be read: No such file or directory"]


def test_a_syntax_error_has_its_line(file: Path) -> None:
    file.write_text("[server]\nport = \n")

    assert "line 2" in problems(file)[0]


def test_settings_and_errors_show_no_secret(file: Path) -> None:
    file.write_text(
        '[gitee]\ntoken = "sesame"\nwebhook_secret = ["sesame", 5]\n[registry]\npassword = ["sesame"]\n'
    )
    assert "sesame" not in "\n".join(problems(file))

    read = load(
        None, {"CHATOPS_GITEE__TOKEN": "sesame", "CHATOPS_STORE__URL": "postgresql://bot:sesame@db/x"}
    )
    assert "sesame" not in f"{read!r} {read}"
    assert read.store_url == "postgresql://bot:sesame@db/x"


def test_the_default_api_url_is_below_gitees_url() -> None:
    assert load(None, {}).gitee.api == "https://gitee.com/api/v5"
    assert (
        load(None, {"CHATOPS_GITEE__URL": "https://git.example/"}).gitee.api == "https://git.example/api/v5"
    )
    assert (
        load(None, {"CHATOPS_GITEE__API_URL": "https://api.example/v5/"}).gitee.api
        == "https://api.example/v5"
    )


LINES = """\
title = "x"  # 1
server.port = 1
[ gitee ]  # [not.this]
token = "a = b"
text = '''
port = 2
'''
"quoted" = 1
[a.b]
c.d = 1
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 1),
        (("server", "port"), 2),
        (("server",), 2),
        (("gitee",), 3),
        (("gitee", "token"), 4),
        (("gitee", "quoted"), 8),
        (("gitee", "missing", "0"), 3),
        (("a", "b", "c", "d"), 10),
        (("nothing",), 1),
    ],
)
def test_keys_are_found_on_their_lines(path: tuple[str, ...], line: int) -> None:
    assert line_of(LINES, *path) == line


@settings(deadline=None)  # other work shares the machine
@given(
    st.dictionaries(
        st.sampled_from(["SERVER__PORT", "REPOS__ALLOW", "DOCKER__CPUS", "GITEE__TOKEN_FILE"]), st.text()
    )
)
def test_any_variable_is_read_or_refused(variables: dict[str, str]) -> None:
    try:
        load(None, {f"CHATOPS_{name}": text for name, text in variables.items()})
    except SettingsError as caught:
        assert all("CHATOPS_" in problem for problem in caught.problems)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("key", "value", "least"), [("LOGS", "59m", "1h"), ("RUNS", "99999w", "1h"), ("DELIVERIES", "47h", "2d")]
)
def test_retention_times_have_bounds(key: str, value: str, least: str) -> None:
    variable = f"CHATOPS_RETENTION__{key}"

    assert problems(None, {variable: value}) == [f"{variable}: should be between {least} and 3650d"]
    load(None, {variable: least})
