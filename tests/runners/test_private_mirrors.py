"""Builds that install packages from private mirrors, with the clients that users have and a real engine.

The credentials are secrets of the build: a file that only one RUN instruction sees.
"""

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.real.fixtures import LABEL
from tests.real.mirrors import (
    MAVEN_REPO,
    PYTHON_BASE,
    Mirror,
    basic,
    bridge_address,
    libraries,
    npm_package,
    python_index,
    serving,
    tools_image,
)
from tests.real.parts import order

pytestmark = pytest.mark.docker

PASSWORD = "s3cret-of-the-mirror"
PACKAGE = "ourpackage"
JAVA = Path("/usr/lib/jvm/java-17-openjdk-amd64")
NPM = Path("/usr/lib/node_modules/npm")


@dataclass
class Bench:
    """Builds that can reach this machine, in which a mirror listens."""

    builder: DockerBuilder
    folder: Path
    sdk: docker.DockerClient
    tag: str
    address: str

    async def build(self, text: str, secrets: dict[str, str], files: dict[str, str] | None = None) -> str:
        """Build, and return the log."""
        log, own = FakeLog(), f"{text}\nENV ONLY={self.tag}"
        given = {name: value.encode() for name, value in secrets.items()}
        wanted = order(self.folder, self.tag, {"Dockerfile": own, **(files or {})}, secrets=given)
        await self.builder.build(replace(wanted, text=own.encode(), cache=self.tag), log)
        return log.text

    def keeps(self, value: str) -> bool:
        """Return whether the image has a value in its layers, its configuration or its history."""
        image = self.sdk.images.get(self.tag)
        end = b""
        for chunk in image.save():
            if value.encode() in end + chunk:
                return True
            end = chunk[-len(value) :]
        return value in f"{image.attrs}{image.history()}"


@pytest.fixture
def bench(engine: DockerEngine, instance: str, sdk: docker.DockerClient, tmp_path: Path) -> Bench:
    # The firewall of this machine stays as it is: nothing closes the port of the mirror.
    builder = DockerBuilder(engine, ProcessSandbox(), instance=instance, network="default", firewall="off")
    return Bench(builder, tmp_path, sdk, f"chatops-{instance}:built", bridge_address(sdk))


PIP = f"""\
FROM {PYTHON_BASE}
RUN echo {{new}}
RUN --mount=type=secret,id=pip,target=/etc/pip.conf,required=true \\
    python3 -m pip install --no-cache-dir --break-system-packages {PACKAGE}
RUN python3 -c 'import {PACKAGE}; print({PACKAGE}.WHERE)'
"""


def pip_conf(host: str, password: str = PASSWORD) -> str:
    return f"""\
[global]
index-url = http://bot:{password}@{host}/simple/
trusted-host = {host.partition(":")[0]}
"""


async def test_pip_installs_from_a_private_index(bench: Bench) -> None:
    text = PIP.format(new=uuid.uuid4().hex)
    async with serving(python_index(basic("bot", PASSWORD), PACKAGE), bench.address) as mirror:
        log = await bench.build(text, {"pip": pip_conf(mirror.host)})
        assert "from the private index" in log
        assert f"/files/{PACKAGE}-1.0-py3-none-any.whl" in mirror.served
        assert PASSWORD not in log
        assert not bench.keeps(PASSWORD)
        # A second build does not fetch again, whatever the value is by now: it is not in the cache's key.
        mirror.served.clear()
        assert "CACHED" in await bench.build(text, {"pip": pip_conf(mirror.host, "rotated")})
        assert mirror.served == set()


async def test_pip_with_a_wrong_password_fails_without_showing_it(bench: Bench) -> None:
    text = PIP.format(new=uuid.uuid4().hex)
    async with serving(python_index(basic("bot", PASSWORD), PACKAGE), bench.address) as mirror:
        with pytest.raises(TellUser) as caught:
            await bench.build(text, {"pip": pip_conf(mirror.host, "wr0ng")})
    assert caught.value.reason is Reason.BUILD_FAILED
    assert "wr0ng" not in f"{caught.value} {caught.value.log}"
    assert mirror.served == set()
    assert mirror.refused


@pytest.fixture(scope="module")
def node(sdk: docker.DockerClient) -> Iterator[str]:
    """Provide an image with this machine's npm."""
    program = Path(shutil.which("node") or "").resolve()
    name = tools_image(sdk, (program, NPM, *libraries(program)), LABEL)
    yield name
    sdk.images.remove(name, force=True)


NPM_INSTALL = f"""\
FROM {{base}}
WORKDIR /app
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc,required=true \\
    node {NPM}/bin/npm-cli.js install --no-audit --no-fund {PACKAGE}
RUN node -e "console.log(require('{PACKAGE}'))"
"""


@pytest.mark.skipif(not (shutil.which("node") and NPM.exists()), reason="this machine has no npm")
async def test_npm_installs_from_a_private_registry(bench: Bench, node: str) -> None:
    token = f"npm_{uuid.uuid4().hex}"
    async with serving(Mirror(f"Bearer {token}"), bench.address) as mirror:
        mirror.files = npm_package(PACKAGE, mirror.host)
        npmrc = f"registry=http://{mirror.host}/\n//{mirror.host}/:_authToken={token}\n"
        log = await bench.build(NPM_INSTALL.format(base=node), {"npmrc": npmrc})
    assert "from the private registry" in log
    assert f"/{PACKAGE}/-/{PACKAGE}-1.0.0.tgz" in mirror.served
    assert token not in log
    assert not bench.keeps(token)


@pytest.fixture(scope="module")
def maven(sdk: docker.DockerClient) -> Iterator[str]:
    """Provide an image with this machine's Maven and Java, without what only compiles."""
    jvm = JAVA / "lib/server/libjvm.so"
    needed = [path for path in (JAVA / "lib").iterdir() if path.name not in {"src.zip", "ct.sym"}]
    paths = (
        JAVA / "bin/java",
        JAVA / "conf",
        *needed,
        Path("/usr/share/maven"),
        *libraries(jvm, JAVA / "lib/libzip.so"),
    )
    name = tools_image(sdk, paths, LABEL)
    yield name
    sdk.images.remove(name, force=True)


POM = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>team</groupId><artifactId>shop</artifactId><version>1</version><packaging>pom</packaging>
  <build><extensions><extension>
    <groupId>org.codehaus.plexus</groupId><artifactId>plexus-utils</artifactId><version>3.4.2</version>
  </extension></extensions></build>
</project>
"""
SETTINGS = """\
<settings>
  <mirrors><mirror><id>ours</id><url>http://{host}</url><mirrorOf>*</mirrorOf></mirror></mirrors>
  <servers><server><id>ours</id><username>bot</username><password>{password}</password></server></servers>
</settings>
"""
MAVEN_VALIDATE = f"""\
FROM {{base}}
WORKDIR /app
COPY pom.xml .
RUN --mount=type=secret,id=maven,target=/root/.m2/settings.xml,required=true \\
    JAVA_HOME={JAVA} sh /usr/share/maven/bin/mvn -B -Duser.home=/root validate && find /root/.m2 -name '*.jar'
"""


@pytest.mark.skipif(not (shutil.which("mvn") and JAVA.exists()), reason="this machine has no Maven")
async def test_maven_resolves_from_a_private_repository(bench: Bench, maven: str) -> None:
    mirror = Mirror(basic("bot", PASSWORD), folder=MAVEN_REPO)
    async with serving(mirror, bench.address):
        settings = SETTINGS.format(host=mirror.host, password=PASSWORD)
        log = await bench.build(MAVEN_VALIDATE.format(base=maven), {"maven": settings}, {"pom.xml": POM})
    assert "BUILD SUCCESS" in log
    assert "/org/codehaus/plexus/plexus-utils/3.4.2/plexus-utils-3.4.2.jar" in mirror.served
    assert mirror.refused, "Maven asks without credentials first"
    assert PASSWORD not in log
    assert not bench.keeps(PASSWORD)
