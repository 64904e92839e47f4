from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.deciding import dockerfile
from bot.core.deciding.dockerfile import Dockerfile, Stage
from bot.core.deciding.dockerfile_lines import instructions


def read(text: str) -> Dockerfile:
    return dockerfile.read(dedent(text))


def port(found: Dockerfile, target: str | None) -> int | None:
    stage = found.stage(target)
    return stage.port if stage else None


def test_stages_with_names_and_ports() -> None:
    found = read("""\
        ARG BASE=python:3.11
        FROM --platform=linux/amd64 ${BASE} AS Build
        EXPOSE 9000
        FROM build as runtime
        EXPOSE 8080/tcp 53/udp 8000-8010
        HEALTHCHECK CMD true
        FROM scratch
        """)

    assert found.stages == (Stage("build", 9000), Stage("runtime", 8080), Stage(None))
    assert found.names == ("build", "runtime")


@pytest.mark.parametrize(
    ("lines", "command", "runs"),
    [
        ("ENV A=b\nCOPY . .", False, False),
        ("RUN pytest", False, True),
        ('CMD ["pytest"]', True, False),
        ("run pytest\nentrypoint pytest", True, True),
        ('HEALTHCHECK CMD true\nONBUILD RUN true\nSHELL ["sh"]', False, False),
        ("RUN <<END\nCMD true\nEND", False, True),
    ],
)
def test_what_a_stage_runs_itself(lines: str, command: bool, runs: bool) -> None:  # noqa: FBT001 - a table's columns
    found = read(f"FROM scratch AS base\nRUN true\nCMD true\nFROM base AS test\n{lines}\n").stage("test")

    assert found == Stage("test", None, command, runs)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([], None),
        (["x AS test"], None),
        (["x"], None),
        (["x AS a", "x"], None),
        (["x AS a", "x AS b"], "b"),
        (["x AS a", "x AS test"], "a"),
        (["x", "x AS TEST"], "0"),
        (["x AS runtime", "x AS b"], "runtime"),
        (["x AS Runtime", "x AS test"], "runtime"),
    ],
)
def test_the_default_stage_to_build(stages: list[str], expected: str | None) -> None:
    assert read("\n".join(f"FROM {stage}" for stage in stages)).default_target == expected


def test_targets_are_found_by_name_in_any_case_and_by_number() -> None:
    found = read("FROM a AS Build\nFROM b\n")

    assert found.stage("BUILD") is found.stages[0]
    assert found.stage("1") is found.stages[1]
    assert found.stage("2") is None
    assert found.stage("test") is None
    assert read("").stage("test") is None


def test_the_last_of_two_stages_with_one_name_counts() -> None:
    found = read("FROM a AS x\nEXPOSE 1\nFROM b AS x\nEXPOSE 2\n")

    assert port(found, "x") == 2


def test_a_port_comes_from_the_stage_or_its_base_stage() -> None:
    found = read("""\
        FROM a AS base
        EXPOSE 8080
        FROM base AS middle
        FROM middle AS runtime
        EXPOSE 9090
        FROM runtime AS test
        FROM other
        """)

    assert port(found, "base") == 8080
    assert port(found, "middle") == 8080
    assert port(found, "test") == 9090
    assert port(found, None) is None
    assert port(found, "unknown") is None
    assert port(read(""), None) is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("ENV PORT=8080\nEXPOSE $PORT", 8080),
        ("ENV PORT 8080\nEXPOSE ${PORT}/tcp", 8080),
        ("ENV PORT='8080' OTHER=x\nEXPOSE $PORT", 8080),
        ("ARG PORT=8080\nEXPOSE $PORT", 8080),
        ("ARG GLOBAL\nEXPOSE $GLOBAL", 7000),
        ("EXPOSE $GLOBAL", None),
        ("EXPOSE ${PORT:-8080}", 8080),
        ("ENV PORT=1\nEXPOSE ${PORT:+9000}", 9000),
        ("EXPOSE ${PORT:+9000}", None),
        ("ARG A=80\nENV A=90\nARG A=70\nEXPOSE $A", 90),
        ("ENV A\nEXPOSE $A", None),
        ('EXPOSE "8080"', 8080),
        ("EXPOSE 0 65536 99999 -1 x 53/udp", None),
        ("EXPOSE", None),
        ("VOLUME 8080", None),
    ],
)
def test_ports_from_variables(lines: str, expected: int | None) -> None:
    assert port(read(f"ARG GLOBAL=7000\nFROM a\n{lines}\n"), None) == expected


def test_stages_inherit_variables_of_their_base_stage() -> None:
    assert port(read("FROM a AS x\nENV PORT=80\nFROM x\nEXPOSE $PORT\n"), None) == 80


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run a \\\n  b\n", [("RUN", "a   b")]),
        ("RUN a \\\n# comment\n\n  b\nCMD c", [("RUN", "a   b"), ("CMD", "c")]),
        (
            "# escape=`\r\nRUN a `\r\n b\r\nRUN c \\\r\nCMD d",
            [("RUN", "a  b"), ("RUN", "c \\"), ("CMD", "d")],
        ),
        ("# syntax=docker/dockerfile:1\n# ESCAPE = `\nRUN a `\n b", [("RUN", "a  b")]),
        ("# hello\n# escape=`\nRUN a `\nCMD b", [("RUN", "a `"), ("CMD", "b")]),
        ("# escape=x\nRUN a x\nCMD b", [("RUN", "a x"), ("CMD", "b")]),
        ("\ufeffFROM a", [("FROM", "a")]),
        ("FROM\ta", [("FROM", "a")]),
        ("RUN <<EOF\nFROM evil\nEXPOSE 1\nEOF\nCMD a", [("RUN", "<<EOF"), ("CMD", "a")]),
        ("RUN <<-'EOF' cat\n\tFROM evil\n\tEOF\nCMD a", [("RUN", "<<-'EOF' cat"), ("CMD", "a")]),
        ("COPY <<a <<b /x/\nFROM evil\na\nFROM worse\nb\nCMD c", [("COPY", "<<a <<b /x/"), ("CMD", "c")]),
        ("RUN cat <<EOF\nFROM a", [("RUN", "cat <<EOF"), ("FROM", "a")]),
        ("RUN <<EOF\n\tEOF\nCMD a", [("RUN", "<<EOF"), ("EOF", ""), ("CMD", "a")]),
        ("RUN echo $((1<<2))\nCMD a", [("RUN", "echo $((1<<2))"), ("CMD", "a")]),
        ("CMD <<EOF\nFROM a\nEOF", [("CMD", "<<EOF"), ("FROM", "a"), ("EOF", "")]),
        ("RUN a \\", [("RUN", "a")]),
        ("# syntax=docker/dockerfile:1", []),
        ("\n\n", []),
    ],
)
def test_instructions(text: str, expected: list[tuple[str, str]]) -> None:
    assert list(instructions(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "FROM",
        "FROM a AS",
        "EXPOSE 80\nENV A=b\nARG\nFROM a b c d e",
        'FROM a\nENV =\nENV\nARG =\nENV "\nEXPOSE ${\n',
        "\0\0\0",
        "FROM a AS a\nFROM a",
    ],
)
def test_invalid_lines_are_skipped(text: str) -> None:
    found = dockerfile.read(text)

    assert found.default_target is None or found.stages
    assert port(found, None) is None


@given(st.text(alphabet=st.sampled_from("FROM ARGEXPOSENV=$\\{}<-'\"#\n\t x018`:"), max_size=200))
def test_nothing_raises(text: str) -> None:
    found = dockerfile.read(text)

    assert found.default_target is None or found.stages
    port(found, None)
    port(found, "0")


def test_only_the_first_variables_of_a_stage_are_kept() -> None:
    variables = "".join(f"ENV A{number}={number}\n" for number in range(1, 202))
    found = read(f"FROM a AS x\n{variables}FROM x AS y\nEXPOSE $A200\nFROM x AS z\nEXPOSE $A201\n")

    assert (port(found, "y"), port(found, "z")) == (200, None)


def test_the_value_of_a_variable_is_cut_at_the_limit() -> None:
    def exposed(words: int) -> int | None:
        return port(read(f"FROM a\nENV PORTS {'x ' * words}80\nEXPOSE $PORTS\n"), None)

    assert (exposed(127), exposed(128)) == (80, None)


@pytest.mark.parametrize(
    "text",
    [
        "ARG A=xx\n" + "ARG A=$A$A\n" * 5_000 + "FROM a\n",
        "FROM a\nENV A=xx\n" + "ENV A=$A$A\n" * 5_000,
        "FROM a\n" + "".join(f"ENV A{number}=1\n" for number in range(5_000)),
        "FROM a AS b\n" * 5_000,
        "FROM a\n" + "EXPOSE 1\n" * 5_000,
        "FROM a\n" + "RUN a <<E\n" * 5_000 + "\tE",
    ],
)
def test_resource_use_is_bounded(text: str) -> None:
    found = dockerfile.read(text)

    assert len(found.stages) <= 200


@pytest.mark.attack
@pytest.mark.parametrize("name", ["x" * 129, "x" * 100_000, "-x", "1", "a,b", "a$b"])
def test_a_stage_with_an_invalid_name_has_none(name: str) -> None:
    found = read(f"FROM a AS {name}\nFROM b AS {'y' * 128}")

    assert found.names == ("y" * 128,)
