"""Attacks by charts, rendered by the real Helm 3 and Helm 4."""

import asyncio
import contextlib
import http.server
import io
import json
import re
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import Definition
from bot.runners.kubernetes import helm as adapter
from bot.runners.kubernetes.charts import Charts
from bot.runners.kubernetes.cluster import Cluster, ClusterAccess
from bot.runners.kubernetes.helm import Helm, HelmFailed
from bot.runners.kubernetes.options import ChartPolicy
from tests.real.helm import both_helms
from tests.real.parts import tar

CHART = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {found: {{ VALUE | quote }}}\n"


@dataclass
class Listener:
    """A web server on this machine that records what it is asked for."""

    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type": "object"}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Listener(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


class KnownCluster(Cluster):
    """A cluster that only knows its version."""

    async def version(self) -> str:
        return "v1.30.0"


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders charts as the bot does, with one Helm."""

    helm: Helm
    folder: Path

    async def of_repository(self, files: Mapping[str, bytes | str]) -> str:
        """Render the chart `deploy/chart` of a repository."""
        archive = self.folder / "chart.tar"
        archive.write_bytes(tar({"Chart.yaml": CHART, **files}))
        charts = Charts(KnownCluster(ClusterAccess()), self.helm, ChartPolicy())
        work = self.folder / "work"
        work.mkdir()
        return await charts.rendered(Definition("deploy/chart", archive, chart=True), "pr-1", {}, work)

    async def unchecked(self, files: Mapping[str, bytes | str]) -> str:
        """Render a folder as it is, without the checks of its files."""
        chart = self.folder / "chart"
        for name, content in {"Chart.yaml": CHART, **files}.items():
            target = chart / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        values = self.folder / "values.json"
        values.write_text("{}")
        return await self.helm.template("r", chart, namespace="n", values=values, kube_version="v1.30.0")


@pytest.fixture(params=["helm", "helm4"])
def renderer(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Renderer:
    """Put one Helm on the bot's PATH, behind a script that records the limits of its process."""
    program = tmp_path / "bin/helm"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\ncat /proc/$$/limits > {tmp_path}/limits\ncat /proc/$$/oom_score_adj > {tmp_path}/oom\n"
        f'exec {both_helms() / request.param} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/sbin:/usr/bin:/sbin:/bin")
    return Renderer(Helm(ClusterAccess(), tmp_path / "home"), tmp_path)


def template(value: str) -> str:
    return OBJECT.replace("VALUE", value)


def packed(name: str, files: Mapping[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, content in {"Chart.yaml": CHART.replace("shop", name), **files}.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


async def test_the_process_that_renders_has_limits_of_memory_and_processor_time(renderer: Renderer) -> None:
    assert "found" in await renderer.of_repository({"templates/a.yaml": template('"fine"')})

    limits = (renderer.folder / "limits").read_text()
    for name, most in {
        "Max address space": adapter.MEMORY,
        "Max cpu time": adapter.CPU_SECONDS,
        "Max core file size": 0,
    }.items():
        assert re.search(rf"^{name} +{most} +{most} ", limits, re.MULTILINE), limits


async def test_where_memory_is_short_the_kernel_ends_helm_first(renderer: Renderer) -> None:
    await renderer.of_repository({"templates/a.yaml": template('"fine"')})
    assert (renderer.folder / "oom").read_text() == "1000\n"


async def test_charts_are_rendered_one_after_the_other(renderer: Renderer) -> None:
    program, overlapped = renderer.folder / "bin/helm", renderer.folder / "overlapped"
    alone = renderer.folder / "alone"
    script = program.read_text().replace("exec ", f"mkdir {alone} || touch {overlapped}\n")
    program.write_text(f"{script}code=$?\nrmdir {alone}\nexit $code\n")
    (renderer.folder / "values.json").write_text("{}")
    chart = renderer.folder / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text(CHART)
    given: dict[str, Any] = {"namespace": "n", "values": renderer.folder / "values.json"}

    await asyncio.gather(
        *(renderer.helm.template("r", chart, kube_version="v1.30.0", **given) for _ in range(3))
    )

    assert not overlapped.exists()


GREEDY = {
    "one long text": '{{ $x := repeat 100000000 "0123456789" }}',
    "a list without an end": "{{ range until 1000000000 }}x{{ end }}",
    "a text that doubles": '{{ $x := "0123456789" }}{{ range until 40 }}{{ $x = cat $x $x }}{{ end }}',
    "a template that includes itself": '{{ define "a" }}{{ $x := repeat 9999999 "a" }}'
    '{{ include "a" . }}{{ end }}{{ include "a" . }}',
}


@pytest.mark.parametrize("text", GREEDY.values(), ids=GREEDY)
async def test_a_chart_that_takes_the_memory_fails_with_the_limit(renderer: Renderer, text: str) -> None:
    with pytest.raises(TellUser) as caught:
        await renderer.of_repository({"templates/a.yaml": text})
    assert caught.value.reason is Reason.CHART_FAILED
    assert caught.value.facts["chart"] == "deploy/chart"
    assert caught.value.facts["message"] == "rendering takes more than 2 GiB of memory"


async def test_a_chart_that_takes_the_processor_fails_with_the_limit(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_SEALED", adapter._SEALED.replace("ulimit -t 30", "ulimit -t 1"))
    busy = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    with pytest.raises(TellUser) as caught:
        await renderer.of_repository({"templates/a.yaml": busy})
    assert caught.value.facts["message"] == "rendering takes more than 30 s of processor time"


def reference(keyword: str, url: str) -> str:
    return json.dumps({"properties": {"a": {keyword: url}}})


KEYWORDS = ["$ref", "$schema", "$dynamicRef", "$recursiveRef"]


@pytest.mark.parametrize("keyword", KEYWORDS)
async def test_a_schema_elsewhere_is_refused_and_not_fetched(
    renderer: Renderer, listener: Listener, keyword: str
) -> None:
    schema = reference(keyword, f"{listener.url}/schema")
    with pytest.raises(TellUser) as caught:
        await renderer.of_repository(
            {"values.schema.json": schema, "values.yaml": "a: {}", "templates/a.yaml": template('"fine"')}
        )
    assert caught.value.reason is Reason.SCHEMA_REFUSED
    assert caught.value.facts == {
        "path": "deploy/chart/values.schema.json",
        "reference": f"{listener.url}/schema",
    }
    assert listener.asked == []


@pytest.mark.parametrize("end", ["#a", "?"])
async def test_a_schema_that_names_itself_elsewhere_is_refused_and_not_fetched(
    renderer: Renderer, listener: Listener, end: str
) -> None:
    schema = json.dumps({"$id": f"{listener.url}/schema{end}", "$ref": "#b"})
    with pytest.raises(TellUser) as caught:
        await renderer.of_repository(
            {"values.schema.json": schema, "values.yaml": "a: {}", "templates/a.yaml": template('"fine"')}
        )
    assert caught.value.reason is Reason.SCHEMA_REFUSED
    assert listener.asked == []


@pytest.mark.parametrize("keyword", KEYWORDS)
async def test_helm_itself_has_no_network(renderer: Renderer, listener: Listener, keyword: str) -> None:
    schema = reference(keyword, f"{listener.url}/schema")
    with contextlib.suppress(HelmFailed):
        await renderer.unchecked(
            {"values.schema.json": schema, "values.yaml": "a: {}", "templates/a.yaml": template('"fine"')}
        )
    assert listener.asked == []


SECRET = "file:///etc/hostname"
HIDDEN = {
    "the chart": {"values.schema.json": reference("$ref", SECRET)},
    "a subchart": {
        "charts/sub/Chart.yaml": CHART.replace("shop", "sub"),
        "charts/sub/values.schema.json": reference("$ref", SECRET),
    },
    "a packed subchart": {
        "charts/sub-1.tgz": packed("sub", {"values.schema.json": reference("$ref", SECRET)})
    },
    "a packed subchart of a packed one": {
        "charts/sub-1.tgz": packed(
            "sub", {"charts/deep-1.tgz": packed("deep", {"values.schema.json": reference("$ref", SECRET)})}
        )
    },
    "a packed subchart with backslashes": {
        "charts/sub-1.tgz": packed("sub", {"x\\values.schema.json": reference("$ref", SECRET)})
    },
}


@pytest.mark.parametrize("files", HIDDEN.values(), ids=HIDDEN)
async def test_a_schema_in_a_file_of_the_machine_is_refused(
    renderer: Renderer, files: Mapping[str, bytes | str]
) -> None:
    with pytest.raises(TellUser) as caught:
        await renderer.of_repository({"templates/a.yaml": template('"fine"'), **files})
    assert caught.value.reason is Reason.SCHEMA_REFUSED
    assert caught.value.facts["reference"] == SECRET
    assert caught.value.facts["path"].startswith("deploy/chart/")


BROKEN = {
    "no archive": b"no archive",
    "a bomb": packed("sub", {"zeros": b"\0" * (20 << 20)}),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_packed_subchart_that_is_none_is_refused(renderer: Renderer, name: str) -> None:
    with pytest.raises(TellUser) as caught:
        await renderer.of_repository({"charts/sub-1.tgz": BROKEN[name]})
    assert caught.value.facts["path"] == "deploy/chart/charts/sub-1.tgz"


async def test_a_folder_with_the_name_of_a_schema_is_no_schema(renderer: Renderer) -> None:
    files = {"templates/a.yaml": template('"fine"'), "values.schema.json/a": ""}
    with contextlib.suppress(TellUser):  # Helm may call it unreadable
        await renderer.of_repository(files)


async def test_a_packed_subchart_writes_nothing_outside(renderer: Renderer) -> None:
    files = {"../../out": "x", "../../../../out": "x", "/out": "x"}
    await renderer.of_repository({"charts/sub-1.tgz": packed("sub", files)})
    outside = [file for file in renderer.folder.rglob("out") if "sub-1-unpacked" not in file.parts]
    assert outside == []


ASKS = {
    "getHostByName": ('getHostByName "localhost"', '""'),
    "lookup": ('lookup "v1" "Secret" "" "" | toJson', '"{}"'),
    "Files": ('.Files.Get "../../../../../etc/passwd"', '""'),
}


@pytest.mark.parametrize("name", ASKS)
async def test_a_template_learns_nothing_of_the_machine(renderer: Renderer, name: str) -> None:
    call, answer = ASKS[name]
    assert f"{{found: {answer}}}" in await renderer.of_repository({"templates/a.yaml": template(f"({call})")})


async def test_a_dependency_is_not_fetched(renderer: Renderer, listener: Listener) -> None:
    needs = (
        f"dependencies: [{{name: sub, version: 1.0.0, repository: {listener.url}}}]\nicon: {listener.url}\n"
    )
    with pytest.raises(TellUser) as caught:
        await renderer.of_repository({"Chart.yaml": CHART + needs, "templates/a.yaml": template('"fine"')})
    assert "missing in charts/ directory" in caught.value.facts["message"]
    assert listener.asked == []


async def test_an_honest_chart_with_schemas_and_packed_subcharts_is_rendered(renderer: Renderer) -> None:
    schema = json.dumps(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": "https://example.com/shop.json",
            "properties": {"a": {"$ref": "#/definitions/text"}},
            "definitions": {"text": {"type": "string"}},
        }
    )
    rendered = await renderer.of_repository(
        {
            "values.yaml": "a: fine",
            "values.schema.json": schema,
            "templates/a.yaml": template(".Values.a"),
            "charts/sub-1.tgz": packed(
                "sub", {"values.yaml": "b: too", "templates/b.yaml": template(".Values.b")}
            ),
        }
    )
    assert '{found: "fine"}' in rendered
    assert '{found: "too"}' in rendered
