"""Attempts to see a secret of the bot in the log of a step, in the forms in which programs print it."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.core.results import report_files
from bot.core.results.cases import LONGEST_MESSAGE, LONGEST_NAME, LONGEST_TEXT
from bot.core.results.masking import SHORTEST, Masker
from bot.reports.folder import LocalAppendFile
from bot.reports.log import StepLog
from bot.reports.results import SuiteResults, stored
from bot.runners.lines import LINE_LIMIT, Lines

SECRET = "9f86d081+884c/7d659a2~feaa0c55ad015a3"
KEY = "-----BEGIN KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END KEY-----"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def url_safe(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


LINES = {
    "plain": f"token={SECRET}",
    "in an address": f"https://oauth2:{SECRET}@gitee.com/team/shop.git",
    "in a query": f"?access_token={quote(SECRET, safe='')}&page=1",
    "base64": encoded(SECRET),
    "base64 with a line end": encoded(SECRET + "\n"),
    "base64 after one character": encoded(f"x{SECRET}yz"),
    "base64 after two characters": encoded(f"xx{SECRET}yz"),
    "base64 after many characters": encoded(f"machine gitee.com login chatops password {SECRET}"),
    "Basic header of oauth2": f"Authorization: Basic {encoded(f'oauth2:{SECRET}')}",
    "Basic header of x-access-token": f"Authorization: Basic {encoded(f'x-access-token:{SECRET}')}",
    "Basic header of git": f"http.extraHeader=AUTHORIZATION: basic {encoded(f'chatops-bot:{SECRET}')}",
    "Basic header without a user": f"Authorization: Basic {encoded(f':{SECRET}')}",
    "Basic header of a token as the user": f"Authorization: Basic {encoded(f'{SECRET}:x-oauth-basic')}",
    "auth of Docker": json.dumps({"auths": {"registry": {"auth": encoded(f"robot$chatops:{SECRET}")}}}),
    "X-Registry-Auth": url_safe(json.dumps({"username": "robot", "password": SECRET})),
    "data of a Kubernetes secret": f"  password: {encoded(SECRET)}",
    "config of Docker in a Kubernetes secret": encoded(
        json.dumps({"auths": {"registry": {"username": "robot", "password": SECRET}}})
    ),
}


def readable(text: str) -> set[str]:
    """Return a text and what its parts decode to, at each of the four offsets of base64 characters."""
    pieces = [
        part[offset:].translate(str.maketrans("-_", "+/"))
        for part in re.findall(r"[A-Za-z0-9+/_-]{8,}", text)
        for offset in range(4)
    ]
    whole = [base64.b64decode(piece[: len(piece) // 4 * 4]) for piece in pieces]
    return {text, *(one.decode("latin-1") for one in whole)}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_secret_is_masked_however_the_output_is_cut(tmp_path: Path, line: str) -> None:
    output = f"before {line} after\n"
    whole = Masker([SECRET]).mask(output)
    assert "***" in whole
    assert not any(SECRET[1:-1] in text for text in readable(whole))
    assert (whole.startswith("before "), whole.endswith(" after\n")) == (True, True)
    for cut in range(len(output)):
        file = tmp_path / f"{cut}.log"
        log = StepLog(LocalAppendFile(file), Masker([SECRET]))
        for piece in (output[:cut], output[cut:]):
            log.write(piece)
        assert file.read_text("utf-8") == whole


@pytest.mark.parametrize("form", [str, encoded], ids=["plain", "base64"])
def test_each_line_of_a_key_is_masked(form: type[str]) -> None:
    masked = Masker([KEY]).mask("\n".join(form(line) for line in KEY.splitlines()))
    assert masked.replace("=", "") == "***\n***\n***"


def test_text_without_a_secret_is_unchanged() -> None:
    output = f"{encoded('a harmless text')} {SECRET[:-1]} {encoded(SECRET[::-1])}\n"
    assert Masker([SECRET]).mask(output) == output


LONG = "".join(map(str, range(1000, 1200)))
"""Longer than the pieces in which long secrets are masked, and without a repetition."""


def shown_of(secret: str, text: str) -> set[str]:
    """Return the parts of a secret, as long as what is masked, that a text shows."""
    parts = {secret[at : at + SHORTEST] for at in range(len(secret) - SHORTEST + 1)}
    return {part for part in parts if part in text}


@pytest.mark.parametrize("before", range(0, 900, 37))
def test_what_a_long_line_leaves_of_a_secret_is_masked(tmp_path: Path, before: int) -> None:
    log = StepLog(LocalAppendFile(tmp_path / "log"), Masker([LONG]))
    (line,) = Lines().feed(b"=" * (LINE_LIMIT - before) + LONG.encode() + b"\n")

    log.write(f"{line}\n")

    assert not shown_of(LONG, (tmp_path / "log").read_text("utf-8"))


@pytest.mark.parametrize("at", range(-900, 200, 61))
@pytest.mark.parametrize("name", ["name", "message", "details", "output"])
def test_what_a_long_text_of_a_test_leaves_of_a_secret_is_masked(name: str, at: int) -> None:
    limit = {"name": LONGEST_NAME, "message": LONGEST_MESSAGE}.get(name, LONGEST_TEXT)
    text = f"{'=' * (limit // 2 + at)}{LONG}{'=' * limit}"
    given = dict.fromkeys(("name", "message", "details", "output"), "-") | {name: text}
    xml = (
        f'<testsuite><testcase name="{given["name"]}"><failure message="{given["message"]}">'
        f"{given['details']}</failure>"
        f"<system-out>{given['output']}</system-out></testcase></testsuite>"
    )

    kept = stored([LONG], SuiteResults("unit", report_files.read({"junit.xml": xml.encode()})), {})

    assert not any(shown_of(LONG, file.decode()) for file in kept.values())
