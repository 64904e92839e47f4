import base64
import html
import json
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.results.masked import masked_facts
from bot.core.results.masking import MASK, SHORTEST, Masker
from bot.model.errors import TellUser
from bot.model.reason import LONGEST_FACT, Reason


def test_the_longer_of_two_secrets_is_masked() -> None:
    assert Masker(["token", "token-long"]).mask("token-long token") == "*** ***"


def test_text_is_released_up_to_a_possible_start_of_a_secret() -> None:
    masker = Masker(["token"])

    assert masker.settled("a tok") == 2
    assert masker.settled("a token") == 7
    assert masker.settled("a tok\n") == 6


def test_a_secret_is_masked_although_another_may_start_within_it() -> None:
    masker = Masker(["xxab", "abcd"])

    assert masker.settled("-xxab") == 5
    assert masker.settled("-xxabxxa") == 5


@pytest.mark.attack
@pytest.mark.parametrize("left", range(len("hunter2-9f86d081") + 1))
def test_a_secret_at_the_edge_of_a_fact_that_was_cut_shows_nothing(left: int) -> None:
    secret = "hunter2-9f86d081"
    message = "x" * (LONGEST_FACT - 1 - left) + secret + "y" * 50
    error = TellUser(Reason.BUILD_FAILED, {"message": message})

    found = masked_facts(error.facts, Masker([secret]).mask_cut)

    assert found["message"].strip("x") in {"…", "***…"}


@pytest.mark.attack
@given(at=st.integers(0, 40), width=st.integers(0, 40), secret=st.text("abc", min_size=4, max_size=12))
def test_a_secret_that_a_cut_halves_shows_less_than_what_is_masked(at: int, width: int, secret: str) -> None:
    text = f"-----{secret}-----{secret}-----"
    shown = Masker([secret]).mask(f"{text[:at]}…{text[at + width :]}")

    before, after = (part.removesuffix("-----").replace(MASK, "") for part in shown.split("…"))
    assert not any(secret[:SHORTEST] in part or secret[-SHORTEST:] in part for part in (before, after))


def test_what_a_test_suite_cut_itself_stays_as_it_is() -> None:
    masker = Masker(["token"])

    assert masker.mask("to… tok…en in…ken") == "to… tok…en in…ken"


@pytest.mark.attack
@pytest.mark.parametrize("stored", ["hunter2-9f86d081", "hunter2-9f86d081\n", "hunter2-9f86d081\r\n"])
@pytest.mark.parametrize("shown", ["hunter2-9f86d081", "hunter2-9f86d081\n", "hunter2-9f86d081\r\n"])
def test_a_line_end_in_a_file_makes_no_difference_to_masking(stored: str, shown: str) -> None:
    masker = Masker([stored])

    assert masker.mask(shown).strip() == "***"
    assert "hunter2"[:4] not in masker.mask(shown)
    hidden = masker.mask(base64.b64encode(shown.encode()).decode())
    assert hidden.startswith("***")
    assert len(hidden) <= len("***") + 4


def test_what_is_cut_before_no_secret_stays_as_it_is() -> None:
    masker = Masker(["token"])

    assert masker.mask_cut("all of it!…") == "all of it!…"
    assert masker.mask_cut("not cut, to") == "not cut, to"


def test_without_secrets_all_text_is_released() -> None:
    masker = Masker(["abc"])

    assert (masker.mask("abc"), masker.settled("ab")) == ("abc", 2)


def test_text_that_contains_no_secret_is_not_held_back() -> None:
    nothing = Masker([])

    assert (nothing.mask("token"), nothing.settled("tok")) == ("token", 3)


def test_a_short_secret_is_masked_in_no_form() -> None:
    assert Masker(["abc"]).mask("abc YWJj") == "abc YWJj"


@pytest.mark.attack
@given(
    before=st.binary(max_size=9),
    secret=st.text(min_size=4, max_size=20),
    after=st.binary(max_size=9),
    url_safe=st.booleans(),
)
def test_base64_of_a_text_with_a_secret_shows_at_most_its_edges(
    before: bytes, secret: str, after: bytes, *, url_safe: bool
) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    lines = [line for line in secret.splitlines() if len(line) >= SHORTEST]
    for line in lines:
        text = encode(before + line.encode() + after).decode()

        masked = Masker(lines).mask(text)

        assert MASK in masked
        shown = sum(len(part) for part in masked.replace("=", "").split(MASK))
        # One character at each side holds bits of the secret and of its neighbor.
        assert shown <= len(encode(before + after)) + 2


@given(
    st.lists(st.text("ab", min_size=4, max_size=6), max_size=3),
    st.text("abYWJhmFi\n=", max_size=60),
    st.data(),
)
def test_a_cut_changes_nothing(secrets: list[str], text: str, data: st.DataObject) -> None:
    masker = Masker(secrets)
    cut = data.draw(st.integers(0, len(text)))
    settled = masker.settled(text[:cut])

    assert masker.mask(text[:settled]) + masker.mask(text[settled:]) == masker.mask(text)


def test_a_long_key_is_masked_like_its_lines() -> None:
    lines = [f"line-{number:04}-{number * 7919 % 10_007:05}" for number in range(60)]
    masker = Masker(["\n".join(lines)])
    for line in lines:
        assert masker.mask(f"a {line} b\n") == "a *** b\n"
        assert masker.settled(f"a {line[:9]}") == 2
    text = "line-0060-00000 and line-\n"
    assert masker.mask(text) == text
    assert masker.settled(text) == len(text)


@pytest.mark.attack
@pytest.mark.parametrize("size", [200, 1999, 2299])
def test_of_a_long_secret_that_was_cut_only_the_last_characters_are_shown(size: int) -> None:
    secret = "".join(f"{number:04}-" for number in range(460))
    shown = Masker([secret]).mask(f"key: {secret[:size]}…")

    assert len(shown.replace("***", "")) < len("key: …") + 128
    assert Masker([secret]).mask(f"key: {secret}.") == "key: ***."


def test_a_value_that_replaced_another_is_masked_beside_it() -> None:
    masker = Masker(["the-old-value"])
    masker.learn(["the-new-value", "the-old-value"])
    assert masker.mask("the-old-value the-new-value") == "*** ***"
    assert masker.secrets == ("the-old-value", "the-new-value")


FILE = "correct+horse battery/staple " * 9


@pytest.mark.parametrize(
    "shown",
    [
        base64.encodebytes(FILE.encode()).decode(),
        FILE.encode().hex(),
        FILE.encode().hex().upper(),
        "\n".join(FILE.encode().hex()[at : at + 60] for at in range(0, len(FILE) * 2, 60)),
        quote(FILE, safe="").lower(),
    ],
)
def test_programs_that_encode_a_file_show_nothing_of_it(shown: str) -> None:
    assert not re.sub(r"\*\*\*|\n", "", Masker([FILE]).mask(shown))


@pytest.mark.parametrize("secret", ['quote"and\\slash', "tag<&>'", "口令-9f86d081"])
def test_escapes_of_json_and_html_are_masked(secret: str) -> None:
    shown = [json.dumps(secret), json.dumps(secret, ensure_ascii=False), html.escape(secret)]
    assert [Masker([secret]).mask(text).strip('"') for text in shown] == ["***"] * 3


ODD = """p@ss/w'o"r d!(x)&$y"""


@pytest.mark.attack
@pytest.mark.parametrize(
    "shown",
    [
        "p%40ss/w%27o%22r%20d%21%28x%29%26%24y",  # Python's quote
        "p%40ss%2Fw%27o%22r+d%21%28x%29%26%24y",  # a form
        "p%40ss%2Fw'o%22r%20d!(x)%26%24y",  # JavaScript's encodeURIComponent
        "p%40ss%2Fw%27o%22r%20d%21%28x%29&$y",  # the password of an address in Go
        "p%40ss%2fw%27o%22r%20d%21%28x%29&$y",
        "p@ss/w&#39;o&#34;r d!(x)&amp;$y",  # Jinja and Go
        "p@ss/w&#39;o&quot;r d!(x)&amp;$y",
        "p@ss/w&apos;o&quot;r d!(x)&amp;$y",  # XML
        "p@ss/w'o&quot;r d!(x)&amp;$y",
        r"""p@ss/w'\''o"r d!(x)&$y""",  # set -x of a shell
    ],
)
def test_escapes_of_addresses_markup_and_shells_are_masked(shown: str) -> None:
    assert Masker([ODD]).mask(f"<{shown}>") == "<***>"
