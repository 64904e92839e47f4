from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pipeline import yaml_tree
from bot.pipeline.yaml_tree import Mark


def parse(text: str) -> yaml_tree.Document:
    return yaml_tree.parse(dedent(text))


def test_scalars_keep_their_written_text() -> None:
    root = parse("""\
        on: yes
        octal: 0755
        time: 8:30
        float: 1.10
        date: 2026-01-02
        quoted: "null"
        tagged: !!str 1
        empty:
        tilde: ~
        list: [a, 1]
        """).root

    assert root == {
        "on": "yes",
        "octal": "0755",
        "time": "8:30",
        "float": "1.10",
        "date": "2026-01-02",
        "quoted": "null",
        "tagged": "1",
        "empty": None,
        "tilde": None,
        "list": ["a", "1"],
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n...\n", "~"])
def test_empty_text_is_an_empty_document(text: str) -> None:
    assert parse(text).root is None


def test_positions_of_keys_and_values() -> None:
    document = parse("""\
        build:
          args: {A: b}
        list:
          - x
        """)

    assert document.at_key(("build", "args", "A")) == Mark(2, 10)
    assert document.at(("build", "args", "A")) == Mark(2, 13)
    assert document.at(("list", 0)) == Mark(4, 5)
    assert document.at_key(("list", 0)) == Mark(4, 5)
    assert document.at(("build", "args", "unknown", "deeper")) == Mark(2, 9)
    assert yaml_tree.Document().at(("a",)) == Mark(1, 1)


def test_duplicate_keys_are_reported_and_the_last_counts() -> None:
    document = parse("a: 1\nb: 2\na: 3\n")

    assert document.root == {"a": "3", "b": "2"}
    ((path, mark, message),) = document.repeated
    assert (path, mark) == (("a",), Mark(3, 1))
    assert "line 1" in message.en
    assert "第 1 行" in message.zh


def test_an_alias_has_the_value_of_its_anchor_and_its_own_position() -> None:
    document = parse("a: &x\n  k: v\nb: *x\n")

    assert document.root == {"a": {"k": "v"}, "b": {"k": "v"}}
    assert document.at(("b", "k")) == Mark(3, 4)


@pytest.mark.parametrize(
    ("text", "mark", "words"),
    [
        ("a:\n\tb: 1", Mark(2, 1), "tabs"),
        ("a: b: c", Mark(1, 5), "colon is not expected"),
        ("a:\n  b: 1\n c: 2", Mark(3, 2), "indentation"),
        ("a: |\nfoo", Mark(2, 4), "colon is missing"),
        ("a: -\n b: -", Mark(1, 4), "list item"),
        ('a: "x', Mark(1, 6), "never closed"),
        ("a: [1, 2", Mark(1, 9), "[ ] is not closed"),
        ("a: {b", Mark(1, 6), "{ } is not closed"),
        ('a: "\\q"', Mark(1, 6), "escape"),
        ("a: @b", Mark(1, 4), "needs quotes"),
        ("a: |x", Mark(1, 5), "not valid YAML"),
        ("a:\n b\0", Mark(2, 3), "does not allow"),
        ('a: "\\ud800"', Mark(1, 4), "does not allow"),
        ('a: "\\UFFFFFFFF"', Mark(1, 7), "does not allow"),
        ('a: "\\U00110000"', Mark(1, 7), "does not allow"),
        ('a:\n  "\\udfff": b', Mark(2, 3), "does not allow"),
        ('- ["\\ud83d"]', Mark(1, 4), "does not allow"),
        ("--- a\n--- b", Mark(2, 1), "one YAML document"),
        ("a: *b", Mark(1, 4), "anchor is not defined"),
        ("a: &a [*a]", Mark(1, 8), "anchor is not defined"),
        ("a: !!python/object:os.system x", Mark(1, 4), "tags"),
        ("a: !!map {b: c}", Mark(1, 4), "tags"),
        ("a: !!binary aGk=", Mark(1, 4), "tags"),
        ("? [a]\n: b", Mark(1, 3), "Keys"),
        ("*a : b", Mark(1, 1), "Keys"),
        ("a: " + "[" * 60_000, Mark(1, 24), "deeply"),
        ("- x\n" * 6_000, Mark(5_000, 3), "too many"),
    ],
)
def test_unsupported_yaml_is_refused_with_its_position(text: str, mark: Mark, words: str) -> None:
    with pytest.raises(yaml_tree.YamlError) as caught:
        yaml_tree.parse(text)

    assert caught.value.mark == mark
    assert words in caught.value.message.en
    assert not caught.value.message.zh.isascii()


def test_aliases_cannot_multiply_the_size() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]

    with pytest.raises(yaml_tree.YamlError, match="too many"):
        yaml_tree.parse("\n".join(lines))


def test_aliases_cannot_increase_the_depth() -> None:
    with pytest.raises(yaml_tree.YamlError, match="deeply"):
        yaml_tree.parse("a: &a [[[[[[[[[[[[1]]]]]]]]]]]]\nb: [[[[[[[[[*a]]]]]]]]]")


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#, \n\t%@?"), max_size=60))
def test_any_text_is_a_document_or_refused(text: str) -> None:
    try:
        document = yaml_tree.parse(text)
    except yaml_tree.YamlError:
        return
    for path, _ in yaml_tree.walk(document.root):
        assert document.at(path).line >= 1
