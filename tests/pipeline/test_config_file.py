"""The whole `.chatops.yml`: values, errors with their positions, suggestions."""

import json
import re
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.pipeline import (
    Automatic,
    BuildConfig,
    DeployConfig,
    EnvironmentConfig,
    HealthConfig,
    PathFilter,
    Pipeline,
    RunnerName,
    ServiceConfig,
    ServiceHealth,
    TestConfig,
)
from bot.model.text import Language
from bot.model.views import ConfigBroken, ConfigProblem
from bot.pipeline import config_file, full_width, messages
from bot.pipeline.compose.project import FilesNeeded
from bot.pipeline.yaml_tree import Document

COMMANDS = frozenset({"build", "deploy", "test", "teardown", "构建"})


def read(text: str | bytes) -> Pipeline | ConfigBroken | FilesNeeded:
    content = text if isinstance(text, bytes) else dedent(text).encode()
    return config_file.read(content, file=".chatops.yml", ref="main", known_commands=COMMANDS)


def good(text: str | bytes) -> Pipeline:
    found = read(text)
    assert isinstance(found, Pipeline), found
    return found


def broken(text: str | bytes) -> ConfigBroken:
    found = read(text)
    assert isinstance(found, ConfigBroken)
    return found


def only(text: str | bytes) -> ConfigProblem:
    (problem,) = broken(text).problems
    return problem


def test_a_file_with_every_key() -> None:
    assert good("""\
        version: 1
        on:
          open: [/build, ／test, deploy staging]
          update: [构建]
          close: []
        build:
          runner: docker
          dockerfile: deploy/Dockerfile
          context: app
          target: runtime
          args: {VERSION: 1.10, DEBUG: true, MODE: 0755}
          timeout: 60
        deploy:
          runner: kubernetes
          enabled: yes
          port: 8080
          command: [serve, 8080]
          env: {PORT: 8080, EMPTY: ""}
          health: {path: /healthz, protocol: tcp, timeout: 30}
          ttl: 2天
          restricted: true
          memory: 1g
          chart: oci://harbor.example.com/charts/shop:1.2.0
          values: {web.replicas: 2, "hosts[0].name": "{host}"}
          replace: true
          environments:
            staging: {ttl: 8h, env: {A: b}}
            qa:
        test:
          runner: jenkins
          job: shop/e2e
          target: null
          command: "true"
          suites: {unit: pytest}
          env: {A: b}
          report: /app/junit.xml
          timeout: 60
        services:
          db: {image: "postgres:16", env: {POSTGRES_PASSWORD: x}, command: [postgres], port: 5432}
          api:
            {image: api, port: 80, health: {path: /healthz}, depends_on: [db], volumes: [/a/.b], memory: 1g}
        paths:
          include: [src/]
          ignore: ["**/*.md", "!src/x.md"]
        language: en
        """) == Pipeline(
        on=Automatic(("build", "test", "deploy staging"), ("构建",), ()),
        build=BuildConfig(
            RunnerName.DOCKER,
            "deploy/Dockerfile",
            "app",
            "runtime",
            {"VERSION": "1.10", "DEBUG": "true", "MODE": "0755"},
            timeout=60,
        ),
        deploy=DeployConfig(
            RunnerName.KUBERNETES,
            enabled=True,
            port=8080,
            command=("serve", "8080"),
            env={"PORT": "8080", "EMPTY": ""},
            health=HealthConfig("/healthz", "tcp", 30),
            restricted=True,
            ttl="2天",
            memory="1g",
            environments={"staging": EnvironmentConfig({"A": "b"}, ttl="8h"), "qa": EnvironmentConfig()},
            chart="oci://harbor.example.com/charts/shop:1.2.0",
            values={"web.replicas": "2", "hosts[0].name": "{host}"},
            replace=True,
        ),
        test=TestConfig(
            RunnerName.JENKINS,
            None,
            "true",
            {"unit": "pytest"},
            {"A": "b"},
            report="/app/junit.xml",
            timeout=60,
            job="shop/e2e",
        ),
        services={
            "db": ServiceConfig("postgres:16", {"POSTGRES_PASSWORD": "x"}, command=("postgres",), port=5432),
            "api": ServiceConfig(
                "api",
                port=80,
                health=ServiceHealth("/healthz"),
                depends_on=("db",),
                volumes=("/a/.b",),
                memory="1g",
            ),
        },
        paths=PathFilter(("src/",), ("**/*.md", "!src/x.md")),
        language=Language.EN,
    )


@pytest.mark.parametrize(
    "text", ["", "\n", "# all defaults\n", "---\n", b"\xef\xbb\xbf", "build:\ndeploy:\n  env:\nservices:\n"]
)
def test_an_empty_file_or_section_means_the_defaults(text: str | bytes) -> None:
    assert good(text) == Pipeline()


@pytest.mark.parametrize(
    ("text", "line", "column", "where", "expected"),
    [
        ("[a]", 1, 1, "", "Expected keys"),
        ("text", 1, 1, "", "Expected keys"),
        ("versin: 1", 1, 1, "versin", "Unknown key"),
        ("version: 2", 1, 10, "version", "Expected 1"),
        ("version: [1]", 1, 10, "version", "Expected 1"),
        ("build: docker", 1, 8, "build", "Expected keys"),
        ("build: {timeout: soon}", 1, 18, "build.timeout", "whole number"),
        ("build: {timeout: 1.5}", 1, 18, "build.timeout", "whole number"),
        ("build: {timeout: [1]}", 1, 18, "build.timeout", "whole number"),
        ("build: {timeout: " + "9" * 5000 + "}", 1, 18, "build.timeout", "whole number"),
        ("build: {timeout: 0}", 1, 18, "build.timeout", "from 1 to 7200"),
        ("build: {runner: podman}", 1, 17, "build.runner", "docker, kubernetes, jenkins"),
        ("build: {runner: }", 1, 16, "build.runner", "docker, kubernetes, jenkins"),
        ("build: {args: [a]}", 1, 15, "build.args", "Expected keys"),
        ("build: {args: {A: [1]}}", 1, 19, "build.args.A", "Expected text"),
        ("build: {args: {A: }}", 1, 18, "build.args.A", "Expected text"),
        ("build: {args: {A-B: c}}", 1, 16, "build.args.A-B", "variable name"),
        ("build: {context: ../other}", 1, 18, "build.context", "in the repository"),
        ("build: {context: ''}", 1, 18, "build.context", "in the repository"),
        ("build: {dockerfile: /etc/passwd}", 1, 21, "build.dockerfile", "in the repository"),
        ("build: {dockerfile: 'a\\b'}", 1, 21, "build.dockerfile", "in the repository"),
        ("build: {target: --help}", 1, 17, "build.target", "stage"),
        ("deploy: {enabled: perhaps}", 1, 19, "deploy.enabled", "true or false"),
        ("deploy: {enabled: []}", 1, 19, "deploy.enabled", "true or false"),
        ("deploy: {port: 0}", 1, 16, "deploy.port", "from 1 to 65535"),
        ("deploy: {command: serve}", 1, 19, "deploy.command", "Expected a list"),
        ("deploy: {env: {1A: b}}", 1, 16, "deploy.env.1A", "variable name"),
        ('deploy: {env: {A: "\\0"}}', 1, 19, "deploy.env.A", "NUL"),
        ("deploy: {health: {path: healthz}}", 1, 25, "deploy.health.path", "begins with /"),
        ("deploy: {health: {timeout: 1801}}", 1, 28, "deploy.health.timeout", "from 1 to 1800"),
        ("deploy: {setup: migrate}", 1, 17, "deploy.setup", "Expected a list"),
        ("deploy: {setup: [[migrate]]}", 1, 18, "deploy.setup.1", "Expected text or keys"),
        ("deploy: {setup: [a, ' ']}", 1, 21, "deploy.setup.2", "not be empty"),
        ("deploy: {setup: [" + "a" * 2001 + "]}", 1, 18, "deploy.setup.1", "At most 2000"),
        ("deploy: {setup: [" + "a," * 21 + "]}", 1, 17, "deploy.setup", "At most 20 entries"),
        ("deploy: {setup: [a], enabled: no}", 1, 10, "deploy.setup", "nothing to set up"),
        ("deploy: {setup: [a], runner: jenkins, job: x}", 1, 10, "deploy.setup", "the job has to"),
        ("deploy: {setup: [a], chart: x}", 1, 10, "deploy.setup", "hook of the chart"),
        ("deploy: {setup: [a], manifests: x}", 1, 10, "deploy.setup", "or a Job"),
        ("deploy: {setup_timeout: 7201}", 1, 25, "deploy.setup_timeout", "from 1 to 7200"),
        ("deploy: {ttl: 3}", 1, 15, "deploy.ttl", "duration"),
        ("deploy: {ttl: 4m}", 1, 15, "deploy.ttl", "duration"),
        ("deploy: {chart: ../x}", 1, 17, "deploy.chart", "in the repository"),
        ("deploy: {chart: 'http://x/y.tgz'}", 1, 17, "deploy.chart", "oci://"),
        ("deploy: {manifests: /x}", 1, 21, "deploy.manifests", "in the repository"),
        ("deploy: {chart: a, manifests: b}", 1, 20, "deploy.manifests", "either chart or manifests"),
        ("deploy: {values: {a..b: 1}}", 1, 19, "deploy.values.a..b", "path of a value"),
        ("deploy: {values: {a: '{nobody}'}}", 1, 22, "deploy.values.a", "nobody"),
        ("deploy: {memory: 512}", 1, 18, "deploy.memory", "memory"),
        ("deploy: {memory: 8m}", 1, 18, "deploy.memory", "memory"),
        ("deploy: {memory: 65g}", 1, 18, "deploy.memory", "memory"),
        ("deploy: {memory: much}", 1, 18, "deploy.memory", "memory"),
        ("test: {memory: 512}", 1, 16, "test.memory", "memory"),
        ("test: {cpu: 0}", 1, 13, "test.cpu", "CPUs"),
        ("test: {cpu: 65}", 1, 13, "test.cpu", "CPUs"),
        ("test: {cpu: '2,5'}", 1, 13, "test.cpu", "CPUs"),
        ("test: {cpu: 1e1}", 1, 13, "test.cpu", "CPUs"),
        ("deploy: {memory: -1g}", 1, 18, "deploy.memory", "memory"),
        ("deploy: {environments: {Staging: }}", 1, 25, "deploy.environments.Staging", "hostname"),
        ("deploy: {environments: {a: {ttl: x}}}", 1, 34, "deploy.environments.a.ttl", "duration"),
        ("test: {suites: {a/b: x}}", 1, 17, "test.suites.a/b", "suite"),
        ("test: {suites: {a: ' '}}", 1, 20, "test.suites.a", "not be empty"),
        ("test: {command: ''}", 1, 17, "test.command", "not be empty"),
        ("test: {report: reports}", 1, 16, "test.report", "absolute path"),
        ("test: {report: /}", 1, 16, "test.report", "absolute path"),
        ("test: {report: /a/../..}", 1, 16, "test.report", "absolute path"),
        ("services: {db: }", 1, 15, "services.db", "image is required"),
        ("services: {db: {port: 1}}", 1, 16, "services.db", "image is required"),
        ("services: {db: {image: }}", 1, 23, "services.db.image", "Expected text"),
        ("services: {db: {image: ''}}", 1, 24, "services.db.image", "image name"),
        ("services: {db: {image: -v}}", 1, 24, "services.db.image", "image name"),
        ("services: {app: {image: x}}", 1, 12, "services.app", "reserved for the bot"),
        ("services: {my_db: {image: x}}", 1, 12, "services.my_db", "hostname"),
        (
            "services: {a: {image: x, port: 1, health: {path: x}}}",
            1,
            50,
            "services.a.health.path",
            "begins with",
        ),
        ("services: {a: {image: x, health: {path: /}}}", 1, 26, "services.a.health", "requires port"),
        ("services: {a: {image: x, health: /}}", 1, 34, "services.a.health", "Expected keys"),
        ("services: {a: {image: x, memory: 1}}", 1, 34, "services.a.memory", "memory"),
        (
            "services: {a: {image: x, volumes: [data]}}",
            1,
            36,
            "services.a.volumes.1",
            "folder in the container",
        ),
        ("services: {a: {image: x, volumes: [{path: /a}]}}", 1, 36, "services.a.volumes.1", "Expected text"),
        ("services: {a: {image: x, volumes: [" + "/a," * 9 + "]}}", 1, 35, "services.a.volumes", "most 8"),
        ("services: {a: {image: x, depends_on: b}}", 1, 38, "services.a.depends_on", "Expected a list"),
        ("services: {a: {image: x, depends_on: [a]}}", 1, 39, "services.a.depends_on.1", "on itself"),
        ("services: {a: {image: x, depends_on: [app]}}", 1, 39, "services.a.depends_on.1", "no such service"),
        ("services: {a: {image: x, depends_on: [[a]]}}", 1, 39, "services.a.depends_on.1", "Expected text"),
        (
            "services: {a: {image: x, depends_on: [" + "a," * 9 + "]}}",
            1,
            38,
            "services.a.depends_on",
            "most 8",
        ),
        (
            "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [c, a]}, c: {image: x}}",
            *(1, 39, "services.a.depends_on.1"),
            "a → b → a",
        ),
        (
            "services: {" + ", ".join(f"s{n}: {{image: x}}" for n in range(9)) + "}",
            1,
            11,
            "services",
            "most 8",
        ),
        ("services: x", 1, 11, "services", "Expected keys"),
        ("paths: {ignore: ['']}", 1, 18, "paths.ignore.1", "pattern"),
        ("paths: {ignore: [" + "a" * 201 + "]}", 1, 18, "paths.ignore.1", "pattern"),
        ("paths: {ignore: [" + "a," * 51 + "]}", 1, 17, "paths.ignore", "At most 50"),
        ("on: {open: build}", 1, 12, "on.open", "Expected a list"),
        ("on: {open: ['']}", 1, 13, "on.open.1", "Unknown command"),
        ("on: {open: [merge now]}", 1, 13, "on.open.1", "Unknown command"),
        ("on: {open: [[a]]}", 1, 13, "on.open.1", "Expected text"),
        ("on: {open: [merge]}", 1, 13, "on.open.1", "Unknown command"),
        ("on: {closed: []}", 1, 6, "on.closed", "Unknown key"),
        ("on: [build]", 1, 5, "on", "Expected keys"),
        ("language: fr", 1, 11, "language", "zh, en"),
        ("build: {timeout: 60, timeout: 70}", 1, 22, "build.timeout", "already on line 1"),
        ("a: b: c", 1, 5, "", "colon"),
        (b"version: 1\nlanguage: \xff", 2, 11, "", "UTF-8"),
        ("x" * 70_000, 1, 1, "", "64 KiB"),
        ("[" * 60_000, 1, 22, "", "deeply"),
    ],
)
def test_every_error_has_its_position(
    text: str | bytes, line: int, column: int, where: str, expected: str
) -> None:
    problem = only(text)

    assert (problem.line, problem.column, problem.where) == (line, column, where)
    assert expected in problem.message.en
    assert re.search("[\u4e00-\u9fff]", problem.message.zh)
    assert problem.message.en.endswith(".")
    assert not problem.message.zh.endswith("。")


def test_an_error_without_a_translation_is_reported_in_both_languages() -> None:
    problem = config_file._type_problem(
        Document(), {"type": "new", "loc": ("build",), "msg": "Input", "input": None}
    )

    assert (problem.message.en, problem.message.zh) == ("Invalid value.", "值无效")


@pytest.mark.attack
@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "//",
            "/a/",
            "/a//b",
            "/.",
            "/a/../run/secrets",
            "/a/..",
            "/run",
            "/run/secrets",
            "/run/secrets/a",
        ),
        *("/proc/sys", "/sys", "/dev/shm", "/tmp", "/a:/b", "/a,b", "/a b", "relative", "", "/" + "a" * 101),
        *("/a" * 11, "/a\u0000", "/\u6570\u636e"),
    ],
)
def test_volumes_cover_nothing_of_the_system_or_the_bot(path: str) -> None:
    assert (
        only(f"services: {{a: {{image: x, volumes: [{json.dumps(path)}]}}}}").where == "services.a.volumes.1"
    )


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("versin: 1", "version"),
        ("build: {dockerFile: x}", "dockerfile"),
        ("build: {colour: x}", ""),
        ("deploy: {set_up: [a]}", "setup"),
        ("test: {runner: dokcer}", "docker"),
        ("test: {runner: 1}", ""),
        ("test: {runner: [docker]}", ""),
        ("on: {open: [/tset]}", "test"),
        ("on: {open: [merge]}", ""),
        ("services: {worker: {image: x, depends_on: [databse]}, database: {image: x}}", "database"),
        ("services: {worker: {image: x, depends_on: [other]}, database: {image: x}}", ""),
    ],
)
def test_near_misses_get_a_suggestion(text: str, suggestion: str) -> None:
    assert only(text).suggestion == suggestion


def test_all_errors_are_reported_at_once_with_an_excerpt() -> None:
    found = broken("""\
        versin: 1
        build:
          timeout: soon
          target: runtime

        deploy:
          ttl: 3
          environments:
            A: {}
        """)

    assert (found.file, found.ref, found.proposed) == (".chatops.yml", "main", False)
    assert [problem.where for problem in found.problems] == [
        "versin",
        "build.timeout",
        "deploy.ttl",
        "deploy.environments.A",
    ]
    assert found.excerpt.split("\n") == [
        ">    1 | versin: 1",
        "     2 | build:",
        ">    3 |   timeout: soon",
        "     4 |   target: runtime",
        "     6 | deploy:",
        ">    7 |   ttl: 3",
        "     8 |   environments:",
        ">    9 |     A: {}",
    ]


def test_at_most_ten_errors_are_reported_in_order() -> None:
    found = broken("".join(f"key{number}: 1\n" for number in range(30)))

    assert [problem.line for problem in found.problems] == list(range(1, 11))


def test_the_excerpt_of_a_hostile_file_is_bounded_and_printable() -> None:
    found = broken(f"build:\n  {'k' * 1000}: '\u202e\u2028 {'x' * 5000}'\n\tb: 1\n")

    assert all(len(line) < 200 for line in found.excerpt.split("\n"))
    assert found.excerpt.replace("\n", "").isprintable()

    found = broken("k" * 900 + ": 1")

    assert len(found.problems[0].where) == 100


def test_windows_line_ends_do_not_shift_positions() -> None:
    found = broken(b"version: 1\r\nbuild:\r\n  timeout: x\r\n")

    assert (found.problems[0].line, found.problems[0].column) == (3, 12)
    assert "\ufffd" not in found.excerpt


def test_a_key_with_two_errors_is_reported_once() -> None:
    assert only("services: {app: {image: x}, app: {image: x}}").message.en.startswith("This key is already")


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        ([], None),
        (["a/.chatops.yml"], None),
        (["README.md", ".chatops.yml"], ".chatops.yml"),
        (["deploy/compose.yaml"], "deploy/compose.yaml"),
        (["deploy/compose.yaml", ".chatops.yml"], ".chatops.yml"),
    ],
)
def test_changes_to_the_configuration_are_seen(files: list[str], changed: str | None) -> None:
    assert config_file.changed(files, ["deploy/compose.yaml"]) == changed


words = st.sampled_from(
    [
        "on",
        "open",
        "build",
        "deploy",
        "env",
        "test",
        "services",
        "db",
        "image",
        "port",
        "1",
        "x",
        "",
        "/",
        "8h",
    ]
)
trees = st.recursive(
    words | st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)


@given(trees)
def test_any_tree_is_a_pipeline_or_has_errors(tree: object) -> None:
    found = read(json.dumps(tree).encode())

    if isinstance(found, ConfigBroken):
        assert 0 < len(found.problems) <= 10


@given(st.binary(max_size=100))
def test_any_bytes_are_a_pipeline_or_have_errors(content: bytes) -> None:
    assert isinstance(read(content), Pipeline | ConfigBroken)


@pytest.mark.attack
@pytest.mark.parametrize("name", ["PATH", "home", "COMMIT_SHA", "CHATOPS_RUN", "LD_PRELOAD", "ld_preload"])
@pytest.mark.parametrize("section", ["deploy", "test"])
def test_a_secret_cannot_replace_a_variable_of_the_bot_or_the_system(section: str, name: str) -> None:
    problem = only(f"{section}: {{secret_env: {{{name}: token}}}}")

    assert problem.where == f"{section}.secret_env.{name}"
    assert problem.message == messages.OWN_VARIABLE


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("build：\n  timeout: 60\n", 1, 6),
        ("build： docker\n", 1, 6),
        ("version: 1\nbuild：\n  timeout: 60\n", 2, 6),
        ("version: 1\ndeploy：\n\n", 2, 7),
        ("build:\n  timeout：60\n", 2, 10),
        ("build:\n  timeout ：60\n  runner: docker\n", 2, 11),
        ("version：1\nlanguage：zh\n", 1, 8),
        ("on：{open: [build]}\n", 1, 3),
        ("services:\n  - db：1\n    x: 1\n", 2, 7),
    ],
)
def test_a_chinese_colon_is_named(text: str, line: int, column: int) -> None:
    problem = only(text)

    assert (problem.line, problem.column, problem.message) == (line, column, full_width.COLON)


@pytest.mark.parametrize(
    "text",
    [
        "build: {timeout: '：'}",
        "test:\n  command: |\n    note： hi\n    run\n  nonsense: 1\n",
        "# 说明：x\n\n\n\nbuild: [",
        "deploy: {env: {A: [b：c]}}",
    ],
)
def test_a_chinese_colon_elsewhere_does_not_hide_a_problem(text: str) -> None:
    assert only(text).message != full_width.COLON


@pytest.mark.parametrize("line_break", ["\r", "\x85", "\u2028", "\u2029", "\r\n"])
def test_lines_are_counted_as_yaml_counts_them(line_break: str) -> None:
    problem = only(f"# a{line_break}version: 1{line_break}build：{line_break}  timeout: 60{line_break}x: [")

    assert (problem.line, problem.column, problem.message) == (3, 6, full_width.COLON)
    found = read(f"# a{line_break}version: 1{line_break}bulid: 60")
    assert isinstance(found, ConfigBroken)
    assert ">    3 | bulid: 60" in found.excerpt


def test_a_chinese_colon_in_text_is_text() -> None:
    found = read('deploy: {env: {NOTE: "价格：1"}}')

    assert isinstance(found, Pipeline)
    assert found.deploy.env == {"NOTE": "价格：1"}
