"""The reference of the settings is current."""

import tomllib
from pathlib import Path

import pytest

from bot.model.text import Language
from bot.settings.load import load
from bot.settings.shape import keys
from tools.settings_reference import EXAMPLE, FILES, example, meanings, reference, write
from tools.settings_zh import WORDS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("language", list(Language))
def test_the_pages_are_current(language: Language) -> None:
    """`python -m tools.settings_reference docs` writes them."""
    assert (DOCS / FILES[language]).read_text(encoding="utf-8") == reference(language)


def test_every_key_is_described_in_both_languages_and_no_other_is() -> None:
    names = {*keys(), *(f"{section}.{name}" for section, inner in keys().items() for name in inner)}

    assert set(WORDS) == names == set(meanings())
    assert all(text.endswith(("。", "）")) for text in WORDS.values())
    assert all(text.endswith(".") for text in meanings().values())


@pytest.mark.parametrize("language", list(Language))
def test_every_key_is_in_its_table(language: Language) -> None:
    page = reference(language)

    for section, inner in keys().items():
        rows = page.partition(f"\n## `[{section}]`\n")[2].partition("\n## ")[0].splitlines()
        for name in inner:
            row = next(row for row in rows if row.startswith(f"| `{name}`"))
            assert row.replace("\\|", "").count("|") == 5
            assert ("🔑" in row) == inner[name].secret


@pytest.mark.parametrize("language", list(Language))
def test_the_example_loads_with_the_values_that_it_shows(language: Language, tmp_path: Path) -> None:
    text = example(language)
    assert f"```toml\n{text}```" in reference(language)
    assert tomllib.loads(text) == EXAMPLE
    for name in ("gitee_token", "gitee_webhook", "registry_password"):
        (tmp_path / name).write_text("sesame")
    file = tmp_path / "chatops.toml"
    file.write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")

    settings = load(file, {})

    assert settings.gitee.token.get_secret_value() == "sesame"
    assert settings.repos.allow == ("my-org/*", "!my-org/legacy")
    assert settings.gitee.webhook_mode == "sign"


def test_the_pages_are_written_to_the_given_folder(tmp_path: Path) -> None:
    write(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == set(FILES.values())
