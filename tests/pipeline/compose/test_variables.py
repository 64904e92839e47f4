"""Variables in a Compose file, and the files that give them values."""

import contextlib

import pytest

from bot.pipeline.compose import env_file
from bot.pipeline.compose.variables import LONGEST, MOST, Interpolation, VariableError
from bot.pipeline.yaml_tree import YamlError

VALUES = {"A": "x", "E": "", "LONG": "y" * LONGEST}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain }", "plain }"),
        ("$A${A}", "xx"),
        ("$$A $${A}", "$A ${A}"),
        ("${B:-d}", "d"),
        ("${A:-d}", "x"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${B-d}", "d"),
        ("${B:-}", ""),
        ("${B:-${C:-${A}y}}z", "xyz"),
        ("${A:-$B}", "x"),
        ("${B:-$${A}", "${A"),
        ("${A:+set}", "set"),
        ("${E:+set}", ""),
        ("${E+set}", "set"),
        ("${B+set}", ""),
        ("${A:?no}", "x"),
        ("${E?no}", ""),
    ],
)
def test_variables_have_values_and_defaults(text: str, expected: str) -> None:
    assert Interpolation(VALUES).replaced(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$B", "B has no value. Write a default such as ${B:-…}"),
        ("a ${B}", "B has no value."),
        ("${B:?ask mei}", "B has no value in .env: ask mei"),
        ("${E:?}", "E has no value in .env:"),
        ("$", "Expected a variable"),
        ("5$ ", "Expected a variable"),
        ("${", "Expected a variable"),
        ("${A", "Expected a variable"),
        ("${A b}", "Expected a variable"),
        ("${B:-${A}", "Expected a variable"),
        ("${B:-" * 10 + "}" * 10, "Variables are nested too deeply"),
        ("$LONG$LONG", "The values are too long"),
    ],
)
def test_what_has_no_value_is_named(text: str, message: str) -> None:
    with pytest.raises(VariableError) as caught:
        Interpolation(VALUES).replaced(text)
    assert caught.value.message.en.startswith(message)
    assert caught.value.message.zh


@pytest.mark.attack
def test_values_are_bounded_together() -> None:
    variables = Interpolation(VALUES)
    assert [len(variables.replaced("$LONG")) for _ in range(MOST // LONGEST)]
    with pytest.raises(VariableError, match="too long"):
        variables.replaced("$LONG")


@pytest.mark.attack
@pytest.mark.parametrize(
    "text", ["$" * 60_000, "${A" * 20_000, "${A:-" * 12_000 + "}" * 12_000, "}" * 60_000]
)
def test_long_texts_take_no_long(text: str) -> None:
    found = ""
    with contextlib.suppress(VariableError):
        found = Interpolation(VALUES).replaced(text)
    assert len(found) <= len(text)


def test_a_file_of_variables_is_read_as_compose_reads_it() -> None:
    text = """\
# comment
A=1
  export B = "x\\n${A} \\$A \\"" # comment
C='raw $A'
D=a b # comment
E=p#w
F=
G
H
I=$5 $A $NONE

K="multi
line"
L.M-N=dots"""
    assert env_file.read(text, {"G": "given"}) == {
        "A": "1",
        "B": 'x\n1 $A "',
        "C": "raw $A",
        "D": "a b",
        "E": "p#w",
        "F": "",
        "G": "given",
        "I": "$5 1 ",
        "K": "multi\nline",
        "L.M-N": "dots",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\n!!\n", 2), ("\n\nA='open\n", 3), ('A="x" y\n', 1), ("A=1\nB=${A:-\n", 2), ("=x", 1)],
)
def test_what_is_no_variable_is_reported_with_its_line(text: str, line: int) -> None:
    with pytest.raises(YamlError) as caught:
        env_file.read(text, {})
    assert caught.value.mark.line == line


@pytest.mark.attack
def test_variables_that_double_are_stopped() -> None:
    lines = ["V0=xxxxxxxxxxxxxxxx", *(f"V{n + 1}=$V{n}$V{n}" for n in range(100))]
    with pytest.raises(YamlError, match="too long"):
        env_file.read("\n".join(lines), {})
