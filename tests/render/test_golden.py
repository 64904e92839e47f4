"""Every view in both languages, compared with the golden files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.model.text import Language
from bot.render.renderer import TemplateRenderer
from tests.render.view_samples import VIEWS

ROOT = Path(__file__).parents[2]
MARKER = "<!-- chatops:run=42 -->"


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", list(VIEWS))
def test_comments_equal_their_golden_files(
    name: str, language: Language, golden: Callable[[str, str], None]
) -> None:
    body = TemplateRenderer(ROOT / "comment_templates").render(VIEWS[name], language, MARKER)

    golden(f"{name}.{language}.md", body)


def test_every_golden_file_has_a_sample() -> None:
    expected = {f"{name}.{language}.md" for name in VIEWS for language in Language}

    assert {file.name for file in (ROOT / "tests" / "golden").glob("*.md")} == expected
