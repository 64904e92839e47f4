"""Counts the attacks of the suite by area, and writes their table into SECURITY.md and SECURITY.zh.md.

`python -m tests.suite.attack_table` collects the tests without running them. In every whole run a test checks
that the suite still makes at least as many attempts as the table says.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.suite.attacks import MARKER

ROOT = Path(__file__).parents[2]
PAGES = {ROOT / "SECURITY.md": 0, ROOT / "SECURITY.zh.md": 1}
"""The pages, and which of the two names of an area each shows."""
TABLE = re.compile(r"(?<=<!-- attacks -->\n).*?(?=<!-- end -->)", re.DOTALL)
OTHER = ("Everything else", "其他")

AREAS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Webhooks, connections and names", "Webhook、连接与域名"): (
        *("attack/test_intake", "attack/test_served", "attack/test_hosts", "web/test_web_intake", "gitee/"),
        *("web/test_web_throttled_log", "core/test_hosts", "core/test_keys", "attack/test_flood"),
        *("core/test_inbox_order", "store/test_deliveries"),
    ),
    ("Trust, approval and configuration", "信任、放行与配置"): (
        *(
            "attack/test_trust",
            "dialogue/test_skipped_runs",
            "attack/test_approval",
            "attack/test_fork",
            "attack/test_configuration",
            "core/test_trust",
        ),
        *("core/test_gate", "dialogue/test_trust", "core/test_permissions", "dialogue/test_permissions"),
        "pipeline/",
    ),
    ("Comments of outside contributors", "外部贡献者的评论"): (
        "attack/test_outside_contributors",
        "core/test_parsing",
        "core/test_commandline",
    ),
    ("Git and build contexts", "Git 与构建上下文"): (
        "attack/test_git",
        "source/",
        "runners/test_context",
        "runners/test_buildkit",
    ),
    ("Builds", "构建"): (
        "attack/test_build",
        *("runners/test_docker_build", "runners/test_build_session", "runners/test_grpc_server"),
        "runners/test_docker_firewall",
        "core/test_dockerfile",
        "core/test_build_",
        "core/test_planning",
        *("core/test_fencing", "runners/test_container"),
    ),
    ("Limits of memory, processes and disk", "内存、进程与磁盘限制"): (
        "attack/test_limits",
        "attack/test_disk",
        "core/test_disk_space",
    ),
    ("Inside previews and test containers", "预览环境与测试容器内部"): (
        *("attack/test_inside_containers", "runners/test_docker_hardening", "runners/test_docker_tests"),
    ),
    ("Test reports and pages", "测试报告与页面"): (
        *(
            "attack/test_report",
            "attack/test_odd_addresses",
            "attack/test_frame",
            "core/test_junit",
            "core/test_report_files",
            "core/test_dotnet_reports",
            "sandbox/",
            "dialogue/test_commands",
        ),
        *(
            "dialogue/test_jenkins",
            "reports/",
            "web/test_web_pages",
            "web/test_web_run_page",
            "web/test_web_files",
        ),
    ),
    ("The largest input of every kind", "各类最大的输入"): ("attack/test_worst_inputs",),
    ("Preview proxy", "预览代理"): (
        *(
            "attack/test_preview_proxy",
            "attack/test_slow_previews",
            "web/test_web_previews",
            "web/test_web_target_urls",
        ),
    ),
    ("The bot's comments", "机器人的评论"): (
        *("attack/test_hostile_comments", "core/test_markers", "dialogue/test_lost_store", "render/"),
    ),
    ("Secrets and stored files", "密钥与存储的文件"): (
        *("attack/test_secrets", "attack/test_masks", "attack/test_files", "core/test_masking"),
        *("dialogue/test_secrets", "runners/test_docker_secrets", "runners/test_kubernetes_secrets"),
        *("dialogue/test_jenkins_credentials", "app/test_masked_logs"),
    ),
    ("Kubernetes manifests", "Kubernetes 清单"): (
        *(
            "attack/test_manifests",
            "attack/test_network_policies",
            "runners/kubernetes_pure/test_pod",
            "runners/kubernetes_pure/test_manifest",
        ),
        *("runners/test_kubernetes_plans", "runners/test_kubernetes_objects"),
    ),
    ("Helm charts and manifest templates", "Helm Chart 与清单模板"): (
        *("attack/test_helm", "attack/test_sandboxed_templates", "runners/kubernetes_pure/test_chart"),
    ),
    ("Audit records", "审计记录"): ("core/test_auditing", "store/test_audit", "dialogue/test_audit"),
    ("Fuzzing targets, without the fuzzer's own inputs", "模糊测试目标（不含模糊器生成的输入）"): ("fuzz/",),
}
"""Names of each area in English and Chinese, and the beginnings of its tests' paths."""


def area(path: str) -> tuple[str, str]:
    """Return the area of a test's path within tests/."""
    return next((names for names, begins in AREAS.items() if path.startswith(begins)), OTHER)


def counted(items: Iterable[pytest.Item]) -> Counter[tuple[str, str]]:
    """Return the number of attacks by area."""
    marked = (item for item in items if item.get_closest_marker(MARKER))
    return Counter(area(str(item.path.relative_to(ROOT / "tests"))) for item in marked)


def listed(page: str) -> dict[str, int]:
    """Return the numbers of a page's table by the name of their area."""
    found = TABLE.search(page)
    rows = re.findall(r"^\| ([^|*]+) \| (\d+) \|$", found[0] if found else "", re.MULTILINE)
    return {name: int(number) for name, number in rows}


def table(counts: Mapping[tuple[str, str], int], language: int) -> str:
    """Return the table; the last row is the sum."""
    head, total = (("Area", "Attempts"), "Total"), (("攻击面", "尝试次数"), "合计")
    (title, number), sum_ = (head, total)[language]
    rows = [(names[language], counts[names]) for names in (*AREAS, OTHER) if counts.get(names)]
    lines = [f"| {name} | {count} |" for name, count in rows]
    return "\n".join(
        [f"| {title} | {number} |", "|---|---:|", *lines, f"| **{sum_}** | **{sum(counts.values())}** |", ""]
    )


class _Collected:
    """A plugin that remembers what pytest collected."""

    items: tuple[pytest.Item, ...] = ()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = tuple(session.items)


def main() -> int:
    """Rewrite the tables."""
    collected = _Collected()
    if code := pytest.main(["--collect-only", "-qq", str(ROOT / "tests")], plugins=[collected]):
        return int(code)
    counts = counted(collected.items)
    for page, language in PAGES.items():
        text = page.read_text("utf-8")
        page.write_text(TABLE.sub(lambda _, of=language: table(counts, of), text), "utf-8")  # type: ignore[misc] # a bound default
    print(f"{sum(counts.values())} attempts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
