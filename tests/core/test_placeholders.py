import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.deciding import placeholders

VALUES = {"sha": "1a2b3c", "number": "12", "branch": "feature/a b#1%"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("{sha}-{number}", "1a2b3c-12"),
        ('{"json": {"sha": "{sha}"}}', '{"json": {"sha": "1a2b3c"}}'),
        ("{image}", ""),
        ("{nothing}", "{nothing}"),
        ("{ sha }", "{ sha }"),
        ("{branch}", "feature/a b#1%"),
    ],
)
def test_placeholders_are_replaced_and_other_text_is_kept(text: str, filled: str) -> None:
    assert placeholders.fill(text, VALUES) == filled


def test_a_value_stays_within_its_segment_of_a_job_name() -> None:
    assert placeholders.job_name("shop/{branch}", VALUES) == "shop/feature%2Fa b%231%25"


@given(st.text())
def test_no_value_leaves_its_folder(branch: str) -> None:
    found = placeholders.job_name("shop/{branch}", {"branch": branch})
    shop, part = found.split("/")
    assert shop == "shop"
    assert part not in {"", ".", ".."}


@pytest.mark.parametrize(("branch", "part"), [("..", "%2E."), (".", "%2E"), ("", "%00"), ("...", "...")])
def test_no_segment_leads_to_another_folder(branch: str, part: str) -> None:
    assert placeholders.job_name("shop/{branch}", {"branch": branch}) == f"shop/{part}"


def test_unknown_names_are_found() -> None:
    assert placeholders.unknown("{sha} {Sha} {secret} {}") == ("Sha", "secret")
