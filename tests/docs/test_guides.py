"""Examples in the guides are valid, and the pages name every metric, key and check."""

import re
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from prometheus_client import CollectorRegistry

from bot.app.values import secret_grants
from bot.core.admission.secrets import first_refusal
from bot.core.deciding.planning import all_suites, to_test
from bot.dns.corefile import wildcard
from bot.doctor import secrets as doctor
from bot.doctor.examination import CHECKS, lines
from bot.doctor.findings import DoctorOptions
from bot.model.forge import RepoPath
from bot.model.pipeline import Pipeline
from bot.model.store_stats import StoreStats
from bot.model.text import Language
from bot.pipeline import config_file
from bot.runners.kubernetes import templates
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.pure.field_rules import ManifestScope
from bot.runners.kubernetes.pure.manifest_policy import review
from bot.runners.kubernetes.pure.manifests import read
from bot.runners.kubernetes.template_context import template_context
from bot.settings.load import load
from bot.settings.model import Settings
from bot.settings.shape import keys
from bot.web.monitoring.engine_metrics import EngineMetrics, StoreMetrics
from bot.web.monitoring.metrics import PreviewMetrics, SweepMetrics, WebMetrics
from tests.fakes.snapshots import snapshot
from tests.runners.kubernetes_samples import environment_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = ("registry", "dns", "kubernetes", "recipes", "secrets")
OPERATIONS = [DOCS / "operations.md", DOCS / "operations.zh.md"]
PAGES = [DOCS / f"{guide}{language}.md" for guide in GUIDES for language in ("", ".zh")]
BOTH = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))


def examples(page: Path) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def loaded(example: str, folder: Path) -> Settings:
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text("s3cret")
    file = folder / "chatops.toml"
    file.write_text(re.sub(r'"/run/secrets/[^"]*"', f'"{secret}"', example), encoding="utf-8")
    return load(file, {})


@BOTH
def test_examples_of_settings_load(page: Path, tmp_path: Path) -> None:
    assert examples(page)
    for example in examples(page):
        assert loaded(example, tmp_path) != Settings()


@pytest.mark.parametrize("guide", [*GUIDES, "operations"])
def test_both_languages_have_the_same_examples_and_headings(guide: str) -> None:
    en, zh = (DOCS / f"{guide}{language}.md" for language in ("", ".zh"))
    assert examples(en) == examples(zh)
    headings = [len(re.findall(r"^##? ", page.read_text("utf-8"), re.MULTILINE)) for page in (en, zh)]
    assert headings[0] == headings[1]


@pytest.mark.parametrize("page", ["dns.md", "dns.zh.md"])
def test_the_corefile_is_current(page: str) -> None:
    assert wildcard("preview.example.net", ["10.0.0.5"]) in (DOCS / page).read_text("utf-8")


@pytest.mark.parametrize("page", ["dns.md", "dns.zh.md"])
def test_every_check_of_the_doctor_is_named(page: str) -> None:
    text = (DOCS / page).read_text("utf-8").lower()
    named = {
        "settings": ("settings", "配置"),
        "store": ("database", "数据库"),
        "registry": ("registry", "镜像仓库"),
    }
    for check in CHECKS:
        assert any(word in text for word in named.get(check.name, (check.name,))), check.name


@pytest.mark.parametrize("page", OPERATIONS, ids=lambda page: str(page.name))
def test_all_metrics_and_no_others_are_described(page: Path) -> None:
    async def count() -> StoreStats:
        raise NotImplementedError

    registry = CollectorRegistry()
    for measures in (
        WebMetrics.in_registry,
        PreviewMetrics.in_registry,
        SweepMetrics.in_registry,
        EngineMetrics,
    ):
        measures(registry)
    families = [*registry.collect(), *StoreMetrics(count).describe()]
    measured = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}

    rows = re.findall(r"^\| `(chatops_\w+)` \|", page.read_text("utf-8"), re.MULTILINE)

    assert sorted(rows) == sorted(measured)


@pytest.mark.parametrize("page", OPERATIONS, ids=lambda page: str(page.name))
def test_every_retention_key_is_named(page: Path) -> None:
    rows = re.findall(r"\| `(\w+)` \|$", page.read_text("utf-8"), re.MULTILINE)
    assert set(rows) == set(keys()["retention"])


@pytest.mark.parametrize("page", ["kubernetes.md", "kubernetes.zh.md"])
def test_pipelines_of_the_guide_are_valid(page: str) -> None:
    blocks = re.findall(
        r"^ *```yaml\n(.*?)^ *```", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    files = [text for block in blocks if (text := dedent(block)).startswith(("version", "deploy"))]
    assert len(files) == 2
    for file in files:
        known = frozenset({"build", "deploy", "test", "teardown"})
        found = config_file.read(file.encode(), file="x", ref="main", known_commands=known)
        assert isinstance(found, Pipeline), found


@pytest.mark.parametrize("page", ["secrets.md", "secrets.zh.md"])
def test_the_guide_asks_only_for_secrets_that_it_grants(page: str, tmp_path: Path) -> None:
    text = (DOCS / page).read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    read = config_file.read(block.encode(), file="x", ref="main", known_commands=frozenset({"build"}))
    assert isinstance(read, Pipeline), read
    facts = replace(snapshot(pipeline=read), writers_only=True)
    plan = to_test(facts, all_suites(read), "preview")
    (example,) = examples(DOCS / page)
    grants = secret_grants(loaded(example, tmp_path))

    assert plan.names == ("build", "deploy", "test")
    assert first_refusal(plan, RepoPath("shop", "web"), grants) is None
    assert first_refusal(plan, RepoPath("shop", "legacy"), grants) is not None


@pytest.mark.parametrize("language", Language)
async def test_the_doctor_says_what_the_guide_shows(language: Language, tmp_path: Path) -> None:
    page = DOCS / f"secrets{'' if language is Language.EN else '.zh'}.md"
    (example,) = examples(page)
    found = await doctor.check(DoctorOptions(loaded(example, tmp_path)))

    assert "\n".join(lines("secrets", found, language)) in page.read_text("utf-8")


@pytest.mark.parametrize("page", ["kubernetes.md", "kubernetes.zh.md"])
def test_the_manifest_of_the_guide_complies_with_the_policy(page: str) -> None:
    [template] = re.findall(r"```yaml\n(apiVersion.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    context = template_context(environment_of(), "pr-12-shop", 8080, KubernetesOptions("bot"))

    text = templates.rendered({"web.yaml": template}, context)["rendered"]["web.yaml"]

    assert review(read(text), ManifestScope("pr-12-shop", "x")).violations == ()
