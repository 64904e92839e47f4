"""What is wrong with a Compose file, by file, line and column."""

import pytest

from bot.model.views import ConfigBroken
from tests.pipeline.compose.reading import OWN, problems, reading

WEB = "services:\n  web:\n    image: nginx\n    ports: [80]\n"
"""What the lines of the table below are added to, from line 5 on."""

HOST_PATH = "Not allowed: a preview has no files of the host. For data use a named volume"
SHAPE = "Not the kind of value that Compose expects here."


@pytest.mark.parametrize(
    ("lines", "line", "column", "where", "message"),
    [
        ("    privileged: true\n", 5, 5, "services.web.privileged", "Not allowed: containers of previews"),
        ("    cap_add: [ALL]\n", 5, 5, "services.web.cap_add", "Not allowed: containers of previews"),
        ("    devices: [/dev/kvm]\n", 5, 5, "services.web.devices", "Not allowed: containers of previews"),
        ("    network_mode: host\n", 5, 5, "services.web.network_mode", "Not allowed: each container"),
        ("    pid: host\n", 5, 5, "services.web.pid", "Not allowed: each container"),
        (
            "    extends: {service: x}\n",
            5,
            5,
            "services.web.extends",
            "Not supported: write the services out",
        ),
        ("    secrets: [key]\n", 5, 5, "services.web.secrets", "Not supported: a preview has no files"),
        ("    build: {ssh: [default]}\n", 5, 13, "services.web.build.ssh", "Not supported: name secrets"),
        ("    imag: x\n", 5, 5, "services.web.imag", "Unknown key"),
        ("    volumes: [/var/run/docker.sock:/s]\n", 5, 15, "services.web.volumes.1", HOST_PATH),
        ("    volumes: [a:/a, ../x:/y]\n", 5, 21, "services.web.volumes.2", HOST_PATH),
        ("    volumes: ['~/.aws:/x']\n", 5, 15, "services.web.volumes.1", HOST_PATH),
        ("    volumes: ['C:\\x:/x']\n", 5, 15, "services.web.volumes.1", HOST_PATH),
        ("    volumes: ['C:/x:/x:ro']\n", 5, 15, "services.web.volumes.1", HOST_PATH),
        ("    volumes: [{type: bind, target: /x}]\n", 5, 15, "services.web.volumes.1", HOST_PATH),
        ("    volumes: [{type: npipe, source: x, target: /x}]\n", 5, 15, "services.web.volumes.1", HOST_PATH),
        ("    volumes: [{type: image, target: /x}]\n", 5, 15, "services.web.volumes.1", "Expected a volume"),
        ("    volumes: ['a:b:c:d']\n", 5, 15, "services.web.volumes.1", "Expected a volume"),
        (
            "    volumes: ['./a:b']\n",
            5,
            15,
            "services.web.volumes.1",
            "Expected an absolute path in the image",
        ),
        ("    volumes: ['./$$a:/b']\n", 5, 15, "services.web.volumes.1", HOST_PATH),
        ("    ports: {a: b}\n", 5, 5, "services.web.ports", "This key is already on line 4."),
        ("    expose: [x]\n", 5, 14, "services.web.expose.1", "Expected a port"),
        (
            "  a: {image: a, expose: ['70000']}\n",
            5,
            26,
            "services.a.expose.1",
            "Expected a number from 1 to 65535",
        ),
        ("    command: a 'b\n", 5, 5, "services.web.command", "The quotes are never closed."),
        ("    entrypoint: []\n", 5, 5, "services.web.entrypoint", "Must not be empty."),
        ("    environment: {A: $B}\n", 5, 19, "services.web.environment.A", "B has no value."),
        (
            "    environment: {'A B': 1, discovery.type: x}\n",
            5,
            19,
            "services.web.environment.A B",
            "Expected a variable name",
        ),
        ("    environment: {A: {b: c}}\n", 5, 19, "services.web.environment.A", SHAPE),
        ("    environment: text\n", 5, 5, "services.web.environment", SHAPE),
        ("    healthcheck: []\n", 5, 5, "services.web.healthcheck", SHAPE),
        ("    <<: text\n", 5, 5, "services.web.<<", "Expected an anchor"),
        ("    env_file: none\n", 5, 5, "services.web.env_file", "The commit has no such file."),
        ("    env_file: [/etc/passwd]\n", 5, 16, "services.web.env_file.1", "Expected a file of this"),
        ("    working_dir: x\n", 5, 18, "services.web.working_dir", "Expected an absolute path"),
        ("    mem_limit: lots\n", 5, 16, "services.web.mem_limit", "Expected a memory size"),
        ("    container_name: a b\n", 3, 5, "services.web", "Expected a hostname"),
        ("    depends_on: [wbe]\n", 5, 18, "services.web.depends_on.1", "There is no such service."),
        ("  a: {image: a, depends_on: [b]}\n", 5, 30, "services.a.depends_on.1", "There is no such service."),
        ("  a: {image: a, depends_on: [a]}\n", 5, 30, "services.a.depends_on.1", "A service cannot depend"),
        (
            "  a: {image: a, healthcheck: {test: ''}, mem_limit: 1}\n",
            5,
            53,
            "services.a.mem_limit",
            "Expected a",
        ),
        ("  a: {build: ..}\n", 5, 7, "services.a.build", "Expected a directory of this repository."),
        ("  a: {build: {context: 'https://x/y.git'}}\n", 5, 15, "services.a.build.context", "Expected a dir"),
        (
            "  a: {build: {context: b, dockerfile: ../c}}\n",
            5,
            27,
            "services.a.build.dockerfile",
            "Expected a Doc",
        ),
        (
            "  a: {build: b, volumes: ['./c:/c']}\n",
            5,
            27,
            "services.a.volumes.1",
            "c is outside of the build context b",
        ),
        ("  a: {}\n", 5, 3, "services.a", "Expected image or build."),
        ("  a: {image: 'a b', volumes: ['./x:/x']}\n", 5, 7, "services.a.image", "Expected an image name"),
        ("  a: {image: 'a b'}\n", 5, 7, "services.a.image", "Expected an image name"),
        (
            "  a: {image: a, volumes: ['x:/run']}\n",
            5,
            27,
            "services.a.volumes.1",
            "Expected a folder in the container",
        ),
        (
            "  a: {image: a, volumes: [x:/x]}\n  b: {image: b, volumes: [x:/y]}\n",
            6,
            27,
            "services.b.volumes.1",
            "x is mounted by several services (a, b)",
        ),
        ("  a_b: {image: a}\n  a.b: {image: b}\n", 6, 3, "services.a.b", "Another service has this name"),
        ("  a b: {image: a}\n", 5, 3, "services.a b", "Expected a hostname"),
        (
            "volumes: {a: {external: true}}\n",
            5,
            15,
            "volumes.a.external",
            "Not supported: a preview has its own",
        ),
        ("  app: {image: a}\n", 5, 3, "services.app", "The deployed service has this hostname here"),
        ("".join(f"  s{n}: {{image: a}}\n" for n in range(9)), 1, 1, "services", "At most 9 entries"),
        ("include: [x]\n", 5, 1, "include", "Not supported: write the services out"),
    ],
)
def test_each_problem_has_its_place(lines: str, line: int, column: int, where: str, message: str) -> None:
    ((*place, text, _),) = problems(WEB + lines)
    assert place == [line, column, where]
    assert text.startswith(message)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("service_completed_successfully", "Not supported: only the deployed"),
        ("healthy", "Expected service_started"),
    ],
)
def test_conditions(condition: str, message: str) -> None:
    text = f"{WEB}    depends_on: {{db: {{condition: {condition}}}}}\n  db: {{image: d}}\n"
    ((line, column, where, found, _),) = problems(text)
    assert (line, column, where) == (5, 23, "services.web.depends_on.db.condition")
    assert found.startswith(message)


def test_the_nearest_word_is_suggested() -> None:
    text = f"{WEB}    depends_on: [postgers]\n  postgres: {{image: p}}\n"
    assert problems(text)[0][-1] == "postgres"


@pytest.mark.parametrize("text", ["", "services: {}\n", "version: '3'\n", "services:\n", "[a]\n"])
def test_a_file_needs_services(text: str) -> None:
    assert problems(text)[0][2:4] == ("services", "The file has no services.")


def test_services_without_ports_leave_open_what_is_deployed() -> None:
    text = "services: {a: {image: a}, b: {image: b, expose: [80]}}\n"
    _, _, where, message, _ = problems(text)[0]
    assert where == "services"
    assert message.startswith("No service publishes ports")


@pytest.mark.parametrize(
    ("own", "line", "where", "message"),
    [
        ("images: {a: {}}\n", 2, "images", "Not allowed beside deploy.compose"),
        ("services: {a: {image: a}}\n", 2, "services.a.image", "Not allowed beside deploy.compose"),
        ("build: {target: x}\n", 2, "build.target", "Not allowed beside deploy.compose"),
        ("build: {runner: jenkins, job: x}\n", 2, "build.runner", "Not allowed beside deploy.compose"),
        ("test: {image: none}\n", 2, "test.image", "Expected one of: web."),
    ],
)
def test_what_does_not_go_together_is_reported_in_the_configuration(
    own: str, line: int, where: str, message: str
) -> None:
    found = reading(WEB, OWN + own)
    assert isinstance(found, ConfigBroken)
    assert found.file == ".chatops.yml"
    problem = next(one for one in found.problems if one.where == where)
    assert problem.line == line
    assert problem.message.en.startswith(message)


@pytest.mark.parametrize(
    ("own", "where", "message"),
    [
        ("deploy: {compose: none.yml}\n", "deploy.compose", "The commit has no such file."),
        ("deploy: {compose: ../x.yml}\n", "deploy.compose", "Expected a path in the repository"),
        (
            "deploy: {compose: docker-compose.yml, service: wbe}\n",
            "deploy.service",
            "There is no such service.",
        ),
        ("deploy: {compose: docker-compose.yml, image: web}\n", "deploy.image", "Not allowed beside"),
        (
            "deploy: {compose: docker-compose.yml, chart: x, runner: kubernetes}\n",
            "deploy.chart",
            "Not allowed",
        ),
        (
            "deploy: {compose: docker-compose.yml, runner: jenkins, job: x}\n",
            "deploy.job",
            "Not allowed beside",
        ),
        ("deploy: {service: web}\n", "deploy.service", "Only allowed with deploy.compose."),
        (
            "deploy: {compose: docker-compose.yml, runner: jenkins}",
            "deploy.runner",
            "Not allowed beside deploy.compose: a Jenkins job",
        ),
        ("deploy: {compose: [x]}\n", "deploy.compose", "Expected text"),
    ],
)
def test_keys_about_the_compose_file(own: str, where: str, message: str) -> None:
    found = reading(WEB, own)
    assert isinstance(found, ConfigBroken)
    assert found.file == ".chatops.yml"
    assert found.problems[0].where == where or where in {one.where for one in found.problems}
    assert any(one.message.en.startswith(message) for one in found.problems)


def test_kubernetes_has_fewer_hostnames() -> None:
    text = f"{WEB}  my_db: {{image: d}}\n"
    own = OWN.replace("}", ", runner: kubernetes}")
    ((line, _, where, message, _),) = problems(text, own)
    assert (line, where) == (5, "services.my_db")
    assert message == "Kubernetes has only hostnames of lowercase letters, digits and hyphens."


@pytest.mark.parametrize(
    ("file", "content", "line"),
    [
        ("docker-compose.yml", "services: [\n", 2),
        (".env", "A=1\nB\n!\n", 3),
        (".env", b"\xff", 1),
        ("web.env", "'", 1),
    ],
)
def test_files_that_cannot_be_read_are_named(file: str, content: str | bytes, line: int) -> None:
    compose = (
        content
        if isinstance(content, str) and file == "docker-compose.yml"
        else f"{WEB}    env_file: web.env\n"
    )
    files = {"web.env": "A=1\n", file: content}
    found = reading(compose, files=files)
    assert isinstance(found, ConfigBroken)
    assert (found.file, found.problems[0].line) == (file, line)


def test_a_compose_file_must_be_text() -> None:
    found = reading("", files={"docker-compose.yml": b"services: \xff"})
    assert isinstance(found, ConfigBroken)
    assert found.problems[0].message.en == "The file must be UTF-8 text."


def test_a_command_that_is_waited_for_is_read_as_well() -> None:
    migrate = '  migrate: {image: nginx, command: "a \'b"}\n'
    text = f"{WEB}    depends_on: {{migrate: {{condition: service_completed_successfully}}}}\n{migrate}"
    assert problems(text)[0][2:4] == ("services.migrate.command", "The quotes are never closed.")


@pytest.mark.parametrize("own", ["environment: {A: '1'}", "env_file: .env", "working_dir: /srv"])
def test_a_command_with_variables_or_a_folder_of_its_own_is_refused(own: str) -> None:
    migrate = f"  migrate: {{image: nginx, command: migrate, {own}}}\n"
    text = f"{WEB}    depends_on: {{migrate: {{condition: service_completed_successfully}}}}\n{migrate}"
    found = {one[2]: one[3] for one in problems(text)}
    assert "Move the command to deploy.setup" in found["services.web.depends_on.migrate.condition"]
