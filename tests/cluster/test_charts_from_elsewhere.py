"""Charts from a private OCI registry and an HTTPS repository, pulled by each Helm and deployed."""

import base64
import json
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import Definition
from bot.runners.kubernetes.chart_pull import ChartRegistry
from bot.runners.kubernetes.cluster import ClusterAccess
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.options import ChartPolicy
from bot.runners.kubernetes.platform import KubernetesPlatform
from bot.sandbox.process import ProcessSandbox
from tests.cluster.chart import HELMS
from tests.cluster.previews import Previews
from tests.cluster.test_charts import CHART
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog
from tests.real.parts import RegistryProcess, private_registry
from tests.real.ports import free_port

ACCOUNT = base64.b64encode(b"bot:right").decode()


@pytest.fixture(params=HELMS)
def either_helm(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put this Helm on the bot's PATH, and temporary files into a folder of this test."""
    found, folder = shutil.which(request.param), tmp_path / "path"
    assert found is not None
    folder.mkdir()
    (folder / "helm").symlink_to(found)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return folder / "helm"


@pytest.fixture
def packed(either_helm: Path, tmp_path: Path) -> Path:
    """Return the chart as an archive."""
    for name, text in CHART.items():
        file = tmp_path / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "packed").mkdir()
    _run(either_helm, "package", tmp_path / "shop", "--destination", tmp_path / "packed")
    return tmp_path / "packed/shop-0.1.0.tgz"


@pytest.fixture
def private(tmp_path: Path, packed: Path, either_helm: Path) -> Iterator[RegistryProcess]:
    """Start a registry that requires the account `bot`."""
    (tmp_path / "registry").mkdir()
    process = private_registry(tmp_path / "registry")
    accounts = tmp_path / "pusher.json"
    accounts.write_text(json.dumps({"auths": {process.host: {"auth": ACCOUNT}}}))
    where = (f"oci://{process.host}/charts", "--plain-http", "--registry-config", accounts)
    try:
        _run(either_helm, "push", packed, *where)
        yield process
    finally:
        process.stop()


@pytest.fixture
async def repository(
    packed: Path, either_helm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """Serve the chart and an index over TLS, with a certificate that Helm trusts."""
    where = f"127.0.0.1:{free_port()}"
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    _run(
        Path("/usr/bin/openssl"),
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=charts"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _run(either_helm, "repo", "index", packed.parent)
    app = web.Application()
    app.router.add_static("/stable", packed.parent)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(where.partition(":")[2]), ssl_context=context).start()
    yield f"https://{where}/stable"
    await runner.cleanup()


def _run(program: Path, *words: str | Path) -> None:
    subprocess.run([program, *words], check=True, capture_output=True)  # noqa: S603 - constant arguments


def _platform(
    previews: Previews, kubeconfig: Path, home: Path, registry: ChartRegistry | None = None
) -> KubernetesPlatform:
    """Return a platform with this registry, whose operator allows all addresses."""
    options = replace(previews.options, charts=ChartPolicy(references=("*",)))
    return KubernetesPlatform(
        previews.cluster, options, Helm(ClusterAccess(kubeconfig), home, registry), ProcessSandbox()
    )


def _chart(address: str) -> Definition:
    return Definition(address, chart=True, values={"words": "from elsewhere"})


@pytest.mark.parametrize("version", [":0.1.0", ""])
async def test_a_private_chart_is_deployed_with_the_bots_account_which_leaves_no_trace(  # noqa: PLR0917 - fixtures
    previews: Previews,
    bot_kubeconfig: Path,
    private: RegistryProcess,
    version: str,
    visit: Visit,
    log: FakeLog,
    tmp_path: Path,
) -> None:
    account = ChartRegistry(private.host, plain=True, username="bot", password="right")
    platform = _platform(previews, bot_kubeconfig, tmp_path / "home", account)
    address = f"oci://{private.host}/charts/shop{version}"

    await platform.deploy(previews.environment(definition=_chart(address)), log)

    assert visit(previews.host).text == "from elsewhere\n"
    assert list((tmp_path / "temporary").glob("chatops-*")) == []
    left = [file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert left
    assert not any(ACCOUNT.encode() in each for each in left)


async def test_a_private_chart_is_not_pulled_without_an_account(
    previews: Previews, bot_kubeconfig: Path, private: RegistryProcess, log: FakeLog, tmp_path: Path
) -> None:
    anonymous = ChartRegistry(private.host, plain=True)
    platform = _platform(previews, bot_kubeconfig, tmp_path / "home", anonymous)
    definition = _chart(f"oci://{private.host}/charts/shop:0.1.0")

    with pytest.raises(TellUser) as caught:
        await platform.deploy(previews.environment(definition=definition), log)

    assert caught.value.reason is Reason.CHART_FAILED
    assert "credential" in caught.value.facts["message"]


@pytest.mark.parametrize("name", ["shop:0.1.0", "shop-0.1.0.tgz"])
async def test_a_chart_is_deployed_from_an_https_repository_and_from_an_archive_there(  # noqa: PLR0917 - fixtures
    previews: Previews,
    bot_kubeconfig: Path,
    repository: str,
    name: str,
    visit: Visit,
    log: FakeLog,
    tmp_path: Path,
) -> None:
    platform = _platform(previews, bot_kubeconfig, tmp_path / "home")

    await platform.deploy(previews.environment(definition=_chart(f"{repository}/{name}")), log)

    assert visit(previews.host).text == "from elsewhere\n"
