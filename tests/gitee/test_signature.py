"""Checking the tokens of webhooks, with captured ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.gitee.signature import DEFAULT_WINDOW, MOST_USES, Mode, Uses, Verdict, signature, verify
from tests.gitee.samples import FOLDER, NOW, PAYLOADS

VECTORS = json.loads((FOLDER / "signature_vectors.json").read_bytes())
SECRET = VECTORS[0]["secret"]
STAMP = str(int(NOW.timestamp() * 1000))


def at(timestamp: str) -> datetime:
    return datetime.fromtimestamp(int(timestamp) / 1000, UTC)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["timestamp"])
@pytest.mark.parametrize("mode", [Mode.SIGN, Mode.ANY])
def test_real_signatures_are_accepted(vector: dict[str, str], mode: Mode) -> None:
    token, stamp = vector["signature"], vector["timestamp"]

    assert verify(token, stamp, [vector["secret"]], at(stamp), mode=mode).accepted
    assert verify(quote(token, safe=""), stamp, [vector["secret"]], at(stamp), mode=mode).accepted
    assert verify(token, stamp, ["another", vector["secret"]], at(stamp), mode=mode).accepted
    assert verify(token, stamp, ["another"], at(stamp), mode=mode) is Verdict.MISMATCH
    assert verify(token, str(int(stamp) + 1), [vector["secret"]], at(stamp), mode=mode) is Verdict.MISMATCH


SIGNED = [path for path in PAYLOADS if json.loads(path.read_bytes())["sign"]]


def test_nearly_all_captured_bodies_are_signed() -> None:
    assert len(SIGNED) == 17


@pytest.mark.parametrize("path", SIGNED, ids=lambda path: path.stem)
def test_every_captured_body_was_signed_with_the_one_secret(path: Path) -> None:
    body = json.loads(path.read_bytes())

    assert verify(body["sign"], body["timestamp"], [SECRET], at(body["timestamp"]), mode="sign").accepted


@pytest.mark.parametrize("mode", [Mode.PASSWORD, Mode.ANY])
def test_the_plain_password_is_accepted_in_its_mode(mode: Mode) -> None:
    assert verify("open sesame", STAMP, ["old", "open sesame"], NOW, mode=mode).accepted
    assert verify("open sesam", STAMP, ["old", "open sesame"], NOW, mode=mode) is Verdict.MISMATCH
    assert verify("密码", STAMP, ["密码"], NOW, mode=mode).accepted


@pytest.mark.attack
def test_a_configured_mode_refuses_the_other_mode() -> None:
    assert verify("word", STAMP, ["word"], NOW, mode="sign") is Verdict.MISMATCH
    assert verify(signature("word", STAMP), STAMP, ["word"], NOW, mode="password") is Verdict.MISMATCH


@pytest.mark.attack
@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_nothing_is_accepted(token: str | None) -> None:
    assert verify(token, STAMP, ["word"], NOW) is Verdict.NO_TOKEN


@pytest.mark.attack
@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_without_a_secret_nothing_is_accepted(secrets: list[str]) -> None:
    for token in (None, "", "word", signature("", STAMP)):
        assert verify(token, STAMP, secrets, NOW) is Verdict.NO_SECRET


@pytest.mark.attack
@pytest.mark.parametrize("stamp", [None, "", "abc", "12.5", "-1", " 1", "１２３", "²", "9" * 16, "1e3"])
def test_a_timestamp_must_be_milliseconds(stamp: str | None) -> None:
    assert verify("word", stamp, ["word"], NOW) is Verdict.TIMESTAMP_INVALID


@pytest.mark.attack
@pytest.mark.parametrize("direction", [-1, 1])
def test_timestamps_outside_of_the_window_are_refused(direction: int) -> None:
    edge = NOW + direction * DEFAULT_WINDOW
    beyond = edge + direction * timedelta(milliseconds=1)

    assert verify("word", STAMP, ["word"], edge).accepted
    assert verify("word", STAMP, ["word"], beyond) is Verdict.STALE
    assert verify("word", STAMP, ["word"], beyond, window=timedelta(hours=1)).accepted


@pytest.mark.attack
@settings(deadline=None)  # other work shares the machine
@given(st.text(), st.text())
def test_any_invalid_header_is_refused_without_an_error(token: str, stamp: str) -> None:
    assert not verify(token, stamp, ["a secret that no text here equals \0"], NOW).accepted
    assert not verify(token, STAMP, ["a secret that no text here equals \0"], NOW).accepted


@pytest.mark.attack
def test_invalid_utf_8_is_refused() -> None:
    assert verify(b"\xff%ff".decode(errors="surrogateescape"), STAMP, ["word"], NOW) is Verdict.MISMATCH


@pytest.mark.attack
@pytest.mark.parametrize("spelled", ["a+b/c=", "a%2Bb/c=", "%61%2bb%2fc%3d"])
def test_a_captured_token_is_good_for_few_deliveries_however_it_is_spelled(spelled: str) -> None:
    uses = Uses()
    used = [uses.add("a+b/c=", STAMP, NOW) for _ in range(MOST_USES)]

    assert all(used)
    assert uses.add(spelled, STAMP, NOW) is None
    assert uses.add(spelled, f"0{STAMP}", NOW) is None
    assert uses.add("another", STAMP, NOW)


def test_a_repeated_delivery_is_not_counted() -> None:
    uses = Uses()
    for _ in range(2 * MOST_USES):
        used = uses.add("word", STAMP, NOW)
        assert used
        uses.take_back(used)


def test_uses_are_forgotten_when_their_timestamp_is_too_old() -> None:
    uses = Uses()
    stale = NOW + DEFAULT_WINDOW + timedelta(milliseconds=1)
    used = uses.add("word", str(round(NOW.timestamp() * 1000)), NOW)
    assert used
    uses.add("word", str(round(stale.timestamp() * 1000)), stale)

    assert used not in uses.counts
    uses.take_back(used)
    assert used not in uses.counts
