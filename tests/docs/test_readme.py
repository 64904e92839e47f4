"""The READMEs are current."""

import re
from pathlib import Path

import pytest

from bot.app.values import addresses
from bot.discovery import find_commands
from bot.model.text import Language
from bot.settings.load import load
from tools.command_table import commands_table, with_commands

ROOT = Path(__file__).resolve().parents[2]
READMES = {Language.EN: ROOT / "README.md", Language.ZH: ROOT / "README.zh.md"}


@pytest.mark.parametrize("language", Language)
def test_the_table_of_commands_is_current(language: Language, request: pytest.FixtureRequest) -> None:
    readme = READMES[language]
    current = with_commands(readme.read_text(encoding="utf-8"), commands_table(find_commands(), language))
    if request.config.getoption("--update-golden"):
        readme.write_text(current, encoding="utf-8")
    assert readme.read_text(encoding="utf-8") == current


def test_a_readme_without_the_markers_of_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="to fill"):
        with_commands("nothing", "table")


@pytest.mark.parametrize("language", Language)
def test_the_example_configuration_loads(language: Language, tmp_path: Path) -> None:
    text = READMES[language].read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    file = tmp_path / "chatops.toml"
    file.write_text(re.sub(r'"/run/secrets/[^"]*"', f'"{secret}"', example), encoding="utf-8")
    settings = load(file, {})
    assert settings.repos.allow == ("your-team/*",)
    assert settings.gitee.token.get_secret_value() == "s3cret"
    found = addresses(settings, web_port=8080, preview_port=8081)
    assert found.preview("pr-1-shop") == "https://pr-1-shop.preview.example.net/"
