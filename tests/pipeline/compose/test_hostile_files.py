"""Compose files that are made to cost time or memory, or to get out of the repository."""

import pytest

from bot.model.views import ConfigBroken
from bot.pipeline.decoding import MAX_BYTES
from tests.pipeline.compose.reading import problems, reading

pytestmark = pytest.mark.attack

WEB = "services:\n  web:\n    image: nginx\n    ports: [80]\n"
LAUGHS = "".join(f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
MERGED = "".join(f"x-{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], k{n}: v}}\n" for n in range(1, 9))


def one(text: str, **files: str | bytes) -> tuple[str, str]:
    """Return the file and the message of the only problem."""
    found = reading(text, files={name.replace("__", "."): content for name, content in files.items()})
    assert isinstance(found, ConfigBroken)
    assert len(found.excerpt) < 10_000
    return found.file, found.problems[0].message.en


@pytest.mark.parametrize("anchors", ["x-0: &a0 [lol]\n" + LAUGHS, "x-0: &a0 {k: v}\n" + MERGED])
def test_anchors_do_not_multiply(anchors: str) -> None:
    assert one(anchors + WEB) == ("docker-compose.yml", "The file has too many entries.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#" * (MAX_BYTES + 1), "The file is larger than 64 KiB."),
        ("services: " + "{a: " * 5000, "This is nested too deeply."),
        (
            "services:\n" + "".join(f"  s{n}: {{image: a}}\n" for n in range(3000)),
            "The file has too many entries.",
        ),
        (f"{WEB}    environment: {{A: '{'${A:-' * 500}{'}' * 500}'}}\n", "Variables are nested too deeply."),
        (f"{WEB}    environment: [{', '.join(['$BIG'] * 500)}]\n", "The values are too long once variables"),
        (f"{WEB}    environment: ['A={'$BIG' * 100}']\n", "The values are too long once variables"),
        (f"{WEB}    env_file: [{', '.join(f'f{n}' for n in range(500))}]\n", "The commit has no such file."),
        (f"{WEB}    command: {'[a, ' * 10}\n", "This is not valid YAML."),
    ],
)
def test_sizes_are_bounded(text: str, message: str) -> None:
    assert one(text, __env=f"BIG={'x' * 10_000}\n")[1].startswith(message)


@pytest.mark.parametrize("blanks", ["{}", "export {}", "A{}", "A={}", "A='b'{}", 'A="b"{}'])
def test_a_line_of_blanks_costs_as_much_as_it_is_long(blanks: str) -> None:
    blank = blanks.format(" " * 60_000)
    assert one(f"{WEB}    env_file: a\n", a=f'{blank}"')[1].startswith("Expected NAME=value")


def test_variables_files_are_bounded() -> None:
    assert one(f"{WEB}    env_file: a\n", a="#" * (MAX_BYTES + 1)) == ("a", "The file is larger than 64 KiB.")


PATHS = (
    "..",
    "../x",
    "./../x",
    "x/../../y",
    "/etc",
    "//etc",
    "~",
    "~root/x",
    "C:\\x",
    "\\\\host\\x",
    "a\\..\\..\\b",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "line",
    ["volumes: ['{}:/x']", "volumes: [{{type: bind, source: '{}', target: /x}}]", "env_file: '{}'"],
)
def test_no_path_leads_out_of_the_repository(line: str, path: str) -> None:
    (problem,) = problems(f"{WEB}    {line.format(path)}\n")
    assert problem[3].startswith(
        ("Not allowed: a preview has no files", "Expected a", "Expected an absolute")
    )


@pytest.mark.parametrize("path", [*PATHS, "https://x/y.git", "git@x:y", "a\nb", "$$x", "a'b"])
@pytest.mark.parametrize("key", ["context", "dockerfile"])
def test_no_build_leads_out_of_the_repository(key: str, path: str) -> None:
    quoted = path.replace("\\", "\\\\").replace("\n", "\\n")
    (problem,) = problems(f'{WEB}  b: {{build: {{{key}: "{quoted}"}}}}\n')
    assert problem[3].startswith(("Expected a directory", "Expected a Dockerfile"))


@pytest.mark.parametrize(
    "image", ["a\\nRUN x", "a AS b", "--platform=x a", "$$A", "a #", "'a'", "a\\\\", "a\\tb", "${A}"]
)
def test_an_image_adds_no_instruction_to_the_dockerfile(image: str) -> None:
    text = f'services: {{web: {{image: "{image}", ports: [80]}}}}\n'
    assert one(text, __env='A="x\\nRUN y"\n')[1].startswith("Expected an image name")


@pytest.mark.parametrize("target", ["/a\\nRUN x", '/a\\"]', "/a/../b", "b", "/$$A", "/a'", "/a*"])
def test_a_mount_adds_no_instruction_to_the_dockerfile(target: str) -> None:
    text = f'{WEB}    volumes: [{{type: bind, source: ./a, target: "{target}"}}]\n'
    assert one(text)[1].startswith("Expected an absolute path")


def test_values_keep_their_line_ends_and_are_no_yaml() -> None:
    found = reading(
        f"{WEB}    environment: {{A: \"x\\nB: y\", C: '$V'}}\n", files={".env": 'V="1\n- 2: {"\n'}
    )
    assert not isinstance(found, ConfigBroken)
    assert found.deploy.env == {"A": "x\nB: y", "C": "1\n- 2: {"}


@pytest.mark.parametrize("name", ["-", "a/b", "a'b", "a b", "<!--", "x" * 300, "数据库", "a\\nb"])
def test_names_of_services_are_checked(name: str) -> None:
    assert one(f'{WEB}  "{name}": {{image: a}}\n')[1].startswith("Expected a hostname")
