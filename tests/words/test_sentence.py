import pytest

from bot.model.text import Language, Text
from bot.words.sentence import Part, PartKind, Wording, parts, rights

SHA = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"


def shown(sentence: str, facts: dict[str, str], language: Language = Language.EN) -> str:
    """Write a sentence with the kinds of its parts: «text», `code`."""
    frames = {PartKind.WORDS: "{}", PartKind.TEXT: "«{}»", PartKind.CODE: "`{}`"}
    return "".join(frames[part.kind].format(part.value) for part in parts(sentence, facts, language))


@pytest.mark.parametrize(
    ("sentence", "facts", "expected"),
    [
        ("Add `EXPOSE`.", {}, "Add `EXPOSE`."),
        ("`host: {{ host }}`", {}, "`host: {{ host }}`"),
        ("No {path}.", {"path": "a`b"}, "No `a`b`."),
        ("No {path}.", {}, "No `—`."),
        ("By {who}.", {"who": "lin"}, "By «lin»."),
        ("At {sha}.", {"sha": SHA}, "At `a1b2c3d4e5f6`."),
        ("{step} failed.", {"step": "build"}, "Build failed."),
        ("{step} failed.", {"step": "paint"}, "`paint` failed."),
        ("For {level}.", {"level": "anyone"}, "For anyone."),
        ("“{severity}”", {"severity": "high"}, "“high”"),
        ("After {seconds}.", {"seconds": "90"}, "After 1 min 30 s."),
        ("After {seconds}.", {"seconds": "a while"}, "After `a while`."),
        ("Known: {known}.", {"known": "a, b,,c"}, "Known: `a`, `b`, `c`."),
    ],
)
def test_a_fact_is_shown_by_its_name(sentence: str, facts: dict[str, str], expected: str) -> None:
    assert shown(sentence, facts) == expected


def test_chinese_has_its_own_comma_and_units() -> None:
    assert shown("{known}", {"known": "a,b"}, Language.ZH) == "`a`、`b`"
    assert shown("{seconds}", {"seconds": "0.05"}, Language.ZH) == "50 毫秒"


def test_a_missing_fact_may_have_a_sentence_of_its_own() -> None:
    wording = Wording(
        Text(en="Exited with {code}.", zh="退出码 {code}。"), without=Text(en="Exited.", zh="已退出。")
    )

    assert wording.say({"code": "1"}, Language.EN)[1] == Part(PartKind.TEXT, "1")
    assert wording.say({"code": ""}, Language.EN) == (Part(PartKind.WORDS, "Exited."),)
    assert wording.say({}, Language.ZH) == (Part(PartKind.WORDS, "已退出。"),)


def test_several_sentences_are_tried_in_order() -> None:
    last = Wording(Text(en="{path}", zh="{path}"), without=Text(en="none", zh="无"))
    wording = Wording(Text(en="{job}{path}", zh="{job}{path}"), without=last)

    assert wording.say({"path": "x"}, Language.EN) == (Part(PartKind.CODE, "x"),)
    assert wording.say({}, Language.EN) == (Part(PartKind.WORDS, "none"),)


def test_advice_is_optional() -> None:
    assert Wording(Text(en="x", zh="x")).advise({}, Language.EN) == ()
    assert Wording(Text(en="x", zh="x"), Text(en="y", zh="z")).advise({}, Language.EN) == (
        Part(PartKind.WORDS, "y"),
    )


@pytest.mark.parametrize(
    ("items", "language", "expected"),
    [
        (("write",), Language.EN, "people with write access"),
        (("owners", "@lin"), Language.EN, "the approvers in OWNERS or lin"),
        (("owners", "@lin", "@mei"), Language.ZH, "OWNERS 列出的审批人（approvers）、lin 或 mei"),
    ],
)
def test_rights_are_alternatives(items: tuple[str, ...], language: Language, expected: str) -> None:
    assert "".join(part.value for part in rights(items, language)) == expected
