"""Examples in the pages about Jenkins are valid, as far as this can be checked without Jenkins."""

import re
import subprocess
from pathlib import Path

import pytest

from bot.core.admission import secrets
from bot.core.deciding import placeholders
from bot.core.results import job_results
from bot.model.pipeline import Pipeline
from bot.model.text import Language
from bot.pipeline import config_file
from bot.settings.load import load
from bot.steps import job
from playground.jenkins.server import DECLARED
from tools.settings_reference import FILES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {Language.EN: DOCS / "jenkins.md", Language.ZH: DOCS / "jenkins.zh.md"}
BOTH = pytest.mark.parametrize("language", Language)


def blocks(language: Language, kind: str) -> list[str]:
    found: list[str] = re.findall(
        rf"```{kind}\n(.*?)```", PAGES[language].read_text(encoding="utf-8"), re.DOTALL
    )
    return found


@BOTH
def test_every_placeholder_and_parameter_has_its_row(language: Language) -> None:
    page = PAGES[language].read_text(encoding="utf-8")
    rows = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`\{(\w+)\}`", rows)) == set(placeholders.NAMES)
    assert set(re.findall(r"CHATOPS_\w+", rows)) == set(DECLARED)


def test_the_jobs_of_the_offline_jenkins_declare_all_parameters() -> None:
    assert set(DECLARED) == {"CHATOPS_RUN", *job._GIVEN, secrets.FILES, secrets.VARIABLES}
    assert set(job._GIVEN.values()) - {"failed_tests"} <= set(placeholders.NAMES)


@BOTH
def test_the_shared_library_declares_them_all(language: Language) -> None:
    library = blocks(language, "groovy")[0]
    assert set(re.findall(r"'(CHATOPS_\w+)'", library)) == set(DECLARED)


@BOTH
def test_the_configuration_is_valid(language: Language, tmp_path: Path) -> None:
    [text] = blocks(language, "yaml")
    on = "on: {open: [], update: [], close: []}\n"
    found = config_file.read((text + on).encode(), file="f", ref="r", known_commands=frozenset())
    assert isinstance(found, Pipeline)
    assert found.teardown.job == "{owner}/{name}/teardown"
    settings, secret = blocks(language, "toml")
    (tmp_path / "token").write_text("11token")
    file = tmp_path / "chatops.toml"
    served = "[repos]\nallow = ['team/*']\n"
    file.write_text(served + secret + settings.replace("/run/secrets/jenkins_token", str(tmp_path / "token")))
    loaded = load(file, {})
    assert loaded.jenkins.jobs == ("{owner}/{name}/**", "shared/build-image")
    assert loaded.secrets["npm-token"].jenkins == "npm-read-only"


@BOTH
def test_the_shell_in_the_jenkinsfiles_is_valid(language: Language) -> None:
    scripts = [
        script.replace("\\\\", "\\")
        for block in blocks(language, "groovy")
        for script in re.findall(r"sh '''(.*?)'''", block, re.DOTALL)
        + re.findall(r"(?:\bsh |script:\s*)'([^']+)'", block)
    ]
    assert len(scripts) == 8
    for script in scripts:
        checked = subprocess.run(["/bin/sh", "-n"], input=script.encode(), capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


@BOTH
def test_no_parameter_is_interpolated_into_a_script(language: Language) -> None:
    """Groovy's double quotes would let a branch's name run."""
    for block in blocks(language, "groovy"):
        assert not re.search(r'\bsh\b[^\n]*"""|\bsh\(?\s*"|script:\s*"', block)


def test_both_languages_have_the_same_examples() -> None:
    def bare(text: str) -> list[str]:
        return [line for line in text.splitlines() if "//" not in line.strip()[:2] and "error(" not in line]

    english, chinese = (list(map(bare, blocks(language, "groovy"))) for language in PAGES)
    assert english == chinese


def test_the_output_of_the_shared_library_is_parsed() -> None:
    """`report` writes NAME=value lines."""
    written = f"IMAGE=harbor.example.com/team/shop:pr-1-a\nIMAGE_SIZE=7\nIMAGE_DIGEST=sha256:{'0' * 64}\n"
    assert job_results.read({"chatops.env": written.encode()}).size == 7
    assert job_results.read({"chatops.env": b"SERVICE_URL=https://a.example.com/\n"}).url


@BOTH
def test_links_have_targets(language: Language) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGES[language].read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        assert (DOCS / name).exists(), target
        if anchor:
            assert name == FILES[language]
            assert f"\n## `[{anchor}]`\n" in (DOCS / name).read_text(encoding="utf-8")
