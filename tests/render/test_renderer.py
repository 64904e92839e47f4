"""Comments are safe with hostile text, and operators can override templates."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.core.results.masking import Masker
from bot.model.approval import Approval, Distrust, Revocation
from bot.model.environment import Outage
from bot.model.reason import Reason
from bot.model.run import Note, Run, RunState, StepResult, StepState, StopRequest, TestCounts
from bot.model.text import Language, Text
from bot.model.views import (
    Announcement,
    Apology,
    ApprovalNeeded,
    ConfigBroken,
    ConfigProblem,
    Links,
    Message,
    Refusal,
    RefusalLine,
    RunView,
    View,
)
from bot.render import escape
from bot.render.renderer import LIMIT, TemplateRenderer
from bot.words.reasons import REASONS
from bot.words.sentence import Wording
from tests.render import run_samples
from tests.render import view_samples as samples
from tests.render.test_escape import hostile

TEMPLATES = Path(__file__).parents[2] / "comment_templates"
MARKER = "<!-- chatops:run=42 -->"
LOG = {"run": 42, "step": "build", "state": "failed", "page": "", "brief": False}
OUTPUT = {**LOG, "removed": True}
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@pytest.fixture(scope="module")
def renderer() -> TemplateRenderer:
    return TemplateRenderer(TEMPLATES)


def flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def powers(markdown: str) -> list[str]:
    """All effects that a comment can have besides text: HTML, links, images, mentions."""
    found = []
    for token in flat(MARKDOWN.parse(markdown)):
        if token.type in {"html_block", "html_inline"}:
            found.append(re.sub(r"(?<=>)[^<]+|&#\d+;|\u200b", "", token.content))
        elif token.type in {"link_open", "image"}:
            found.append(str(token.attrs))
        elif token.type in {"heading_open", "blockquote_open", "code_block", "hr", "td_open"}:
            found.append(token.type)
        elif token.type == "text":
            found.extend(re.findall(r"@\w+", token.content))
    return found


def hostile_run(value: str) -> Run:
    facts = {"instruction": value, "code": value, "cause": value}
    failed = run_samples.over(
        "test",
        1.0,
        StepResult(
            StepState.FAILED,
            Reason.BUILD_FAILED,
            facts,
            log_tail=f"a{value}\nb",
            tests=TestCounts(1, 1),
            failed_tests=(value,) * 5,
            failure_messages={value: value},
        ),
    )
    first = run_samples.over(
        "build", 1.0, StepResult(StepState.FAILED, Reason.DOCKERFILE_INVALID, {"message": value})
    )
    run = run_samples.run(first, failed, state=RunState.CANCELLED, command=value or "/x")
    stop = StopRequest(Reason.CANCELLED, {"who": value})
    return replace(
        run,
        stop=stop,
        title=value,
        origin=replace(run.origin, actor=value),
        notes=(Note("new", {value: value}), Note("step_disabled", {"step": value})),
    )


def hostile_deploy(value: str) -> Run:
    address = value or "x y"
    deployed = StepResult(StepState.PASSED, environment=value or "x", url=f"ftp:{address}")
    removed = StepResult(StepState.PASSED, facts={"environments": value or "x"})
    return run_samples.run(
        run_samples.over("deploy", 1.0, deployed), run_samples.over("teardown", 1.0, removed)
    )


def hostile_views(value: str) -> list[View]:
    run = run_samples.view(hostile_run(value), "/test")
    line = replace(samples.ENVIRONMENTS[0], name=value, url=f"ftp:{value}")
    distrust = Distrust(Reason.FORK_SHARED, {"who": value, "fork": value, "sha": value})
    approval = Approval(value, value, value, run_samples.START, 1, value, "")
    broken = replace(
        run_samples.CRASHING,
        key=replace(run_samples.CRASHING.key, name=value),
        outage=Outage(Reason.CRASH_LOOP, run_samples.START, _every_fact(value), value, f"a{value}\nb"),
    )
    gone = Revocation(approval, Reason.APPROVAL_EDITED, value)
    problem = ConfigProblem(1, 1, value, Text(en=value, zh=value), value or "x")
    return [
        run,
        replace(run, folded_by=43),
        replace(run_samples.view(run_samples.PASSED), broken=broken),
        replace(run_samples.view(run_samples.PASSED), broken=broken, folded_by=43),
        run_samples.view(hostile_deploy(value)),
        replace(run_samples.view(hostile_deploy(value)), folded_by=43),
        Announcement("failed", run.run, run_samples.LINKS, f"{value} x"),
        Announcement("ready", hostile_deploy(value), run_samples.LINKS, f"{value} x"),
        samples.status(environments=(line,), last=run.run, image=value),
        samples.status(
            trusted=False, distrust=distrust, approve=value, changes_url=value, approvals=(approval,)
        ),
        Text(en=f"{value} x", zh=f"{value} x"),
        Message("approved", {"actor": f"{value} x", "author": value, "sha": value, "base": value}),
        ApprovalNeeded(distrust, value, value, f"{value} x", value),
        Message("revoked", {"revoked": (gone,), "runs": (1,), "environments": (value,), "command": value}),
        Message("stopping", {"actor": f"{value} x", "runs": (1,)}),
        Refusal("mei", tuple(RefusalLine(value, reason, _every_fact(value)) for reason in Reason)),
        Message("hint", {"actor": "mei", "typed": value, "suggestion": value}),
        Message("logs", {**LOG, "sha": value, "text": f"a{value}"}),
        Message("service_log", {**OUTPUT, **dict.fromkeys(("sha", "service", "environment", "text"), value)}),
        ConfigBroken(value, value, (problem,), f"a{value}"),
        Apology(value),
    ]


def _every_fact(value: str) -> dict[str, str]:
    texts = [text for wording in REASONS.values() for text in _texts(wording)]
    return {name: value for text in texts for name in re.findall(r"{(\w+)}", text.en)}


def _texts(wording: Wording | Text | None) -> list[Text]:
    if not isinstance(wording, Wording):
        return [wording] if wording else []
    return [wording.sentence, *_texts(wording.without), *_texts(wording.advice)]


@pytest.mark.parametrize("language", list(Language))
@settings(deadline=None, max_examples=20)
@given(value=hostile)
@pytest.mark.attack
def test_hostile_text_has_no_effect(renderer: TemplateRenderer, language: Language, value: str) -> None:
    assume(escape.url(value).startswith("`"))  # Addresses of Gitee and of environments become links.
    for view, plain in zip(hostile_views(value), hostile_views("x"), strict=True):
        body = renderer.render(view, language, MARKER)

        assert body.count("<!--") == 1
        assert powers(body) == powers(renderer.render(plain, language, MARKER))


def test_the_marker_is_the_last_line_and_invisible(renderer: TemplateRenderer) -> None:
    body = renderer.render(Apology("1"), Language.EN, MARKER)

    assert body.endswith(f"\n\n{MARKER}\n")


def test_a_comment_stays_within_gitees_size_and_keeps_its_marker(renderer: TemplateRenderer) -> None:
    lines = tuple(RefusalLine("/构建" * 40, Reason.NOTHING_FAILED) for _ in range(1000))

    body = renderer.render(Refusal("mei", lines), Language.ZH, MARKER)

    assert LIMIT - 1000 < len(body.encode()) <= LIMIT
    assert "评论过长" in body
    assert body.endswith(f"\n\n{MARKER}\n")


@pytest.mark.attack
def test_secrets_are_masked() -> None:
    renderer = TemplateRenderer(TEMPLATES, masker=Masker(["tok3n-value"]))

    hint = samples.message("hint", typed="/x tok3n-value", suggestion="/x")
    body = renderer.render(hint, Language.EN, MARKER)

    assert "tok3n" not in body
    assert "`/x ***`" in body


def test_plain_text_keeps_its_paragraphs_and_code(renderer: TemplateRenderer) -> None:
    body = renderer.render(Text(en="Hi @all\n\n`<b>` *here*", zh=""), Language.EN, MARKER)

    assert html.unescape(body).replace(escape.ZERO_WIDTH, "") == f"Hi @all\n\n`<b>` *here*\n\n{MARKER}\n"
    assert powers(body) == powers(renderer.render(Text(en="Hi\n\n`b` here", zh=""), Language.EN, MARKER))


def test_a_missing_fact_is_a_dash(renderer: TemplateRenderer) -> None:
    view = Refusal("mei", (RefusalLine("/x", Reason.UNKNOWN_RUN),))

    assert "no run `—`" in renderer.render(view, Language.EN, MARKER)


class Overrides:
    """An operator's template folder and the problems reported for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed: list[tuple[str, Exception]] = []
        self.renderer = TemplateRenderer(
            TEMPLATES, folder, lambda file, error: self.failed.append((file, error))
        )

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")

    def render(self, view: View = Apology("1f"), language: Language = Language.EN) -> str:  # noqa: B008 - frozen
        return self.renderer.render(view, language, MARKER)


@pytest.fixture
def overrides(tmp_path: Path) -> Overrides:
    return Overrides(tmp_path)


def test_the_operators_templates_win(overrides: Overrides) -> None:
    overrides.write("apology.md.j2", "Sorry: {{ view.id | code }}")
    overrides.write("zh/apology.md.j2", "抱歉：{{ view.id | code }}")

    assert overrides.render() == f"Sorry: `1f`\n\n{MARKER}\n"
    assert overrides.render(language=Language.ZH) == f"抱歉：`1f`\n\n{MARKER}\n"
    assert overrides.failed == []


def test_an_override_may_replace_one_sentence(overrides: Overrides) -> None:
    words = """{% macro not_allowed(facts) %}{{ facts.who | text }} is not one of us.{% endmacro %}
    {% macro advice_unknown_run(facts) %}See `/status`.{% endmacro %}"""
    overrides.write("en/_reasons.md.j2", words)
    lines = (
        RefusalLine("/x", Reason.NOT_ALLOWED, {"who": "mei", "level": "write"}),
        RefusalLine("/y", Reason.UNKNOWN_RUN, {"run": "7"}),
    )

    body = overrides.render(Refusal("mei", lines))

    assert "- `/x`: mei is not one of us.\n" in body
    assert "- `/y`: This PR has no run `7`. See `/status`.\n" in body
    assert overrides.failed == []


def test_an_override_may_use_shared_macros_and_filters(overrides: Overrides) -> None:
    overrides.write(
        "approved.md.j2", '{% import "_words.md.j2" as words %}{{ words.level.admin }}: {{ 65 | duration }}'
    )

    assert (
        overrides.render(samples.VIEWS["approved"]) == f"repository administrators: 1 min 5 s\n\n{MARKER}\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "{{ view.nothing }}",
        "{% if %}",
        "{{ ''.__class__.__mro__ }}",
        "{% for x in range(10**9) %}{% endfor %}",
        "{% include 'missing.j2' %}",
        "{{ 1 // 0 }}",
        "{{ view.id | code(1, 2, 3) }}",
    ],
)
def test_a_broken_override_falls_back_and_is_reported(overrides: Overrides, text: str) -> None:
    overrides.write("en/apology.md.j2", text)

    body = overrides.render()

    assert "could not finish" in body
    assert "override `en/apology.md.j2` failed" in body
    assert body.endswith(f"\n\n{MARKER}\n")
    assert [file for file, _ in overrides.failed] == ["en/apology.md.j2"]


def test_a_broken_template_is_named_even_if_another_includes_it(overrides: Overrides) -> None:
    overrides.write("_shape.md.j2", "{% macro because(given) %}{{ nothing }}{% endmacro %}")

    body = overrides.render(samples.VIEWS["approval_needed"])

    assert "Nothing has run yet" in body
    assert [file for file, _ in overrides.failed] == ["_shape.md.j2"]


def test_a_fact_may_have_any_name(overrides: Overrides) -> None:
    overrides.write("parts.md.j2", "{{ view.items | join(', ') }}")

    assert overrides.render(Message("parts", {"items": ("a", "b")})) == f"a, b\n\n{MARKER}\n"


def test_an_override_cannot_change_its_facts(overrides: Overrides) -> None:
    overrides.write("hint.md.j2", "{% set _ = view.__setattr__('typed', 'x') %}")

    assert "did you mean" in overrides.render(samples.VIEWS["hint"])


def test_a_run_without_public_pages_has_no_dead_links(renderer: TemplateRenderer) -> None:
    view = RunView(run_samples.PASSED, Links(), "lin")

    body = renderer.render(view, Language.EN, MARKER)

    assert "](<https://bot" not in body
    assert "· #42\n" in body
