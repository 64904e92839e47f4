"""The buildkitd of the bot's chart: what keeps the code of builds away from it, and from each other."""

import base64
import itertools
import shutil
import ssl
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.chart import ENOUGH, FOLDER, HELMS, SECRET, Chart, Object, one

BOTH = pytest.mark.parametrize("isolation", ["rootless", "userns"])
NAME = "bot-gitee-chatops-buildkit"


def values(isolation: str | None = "rootless", **more: Any) -> dict[str, Any]:
    return {"buildkit": {"enabled": True, "isolation": isolation, **more}}


def rendered(chart: Chart, isolation: str | None = "rootless", **more: Any) -> list[Object]:
    return chart.render(values(isolation, **more), "bot", "chatops", "--kube-version", "1.33.0")


def pod(items: list[Object], kind: str = "Deployment") -> Object:
    spec: Object = one(items, kind)["spec"]["template"]["spec"]
    return spec


def test_an_upgrade_may_reuse_the_values_of_an_earlier_chart(chart: Chart) -> None:
    # With --reuse-values, Helm ignores the defaults of values that are new; null does the same.
    reused = rendered(chart, None, tlsSecret=None, blockMetadata=None)
    assert only_names(reused) == only_names(rendered(chart))
    assert one(reused, "NetworkPolicy") == one(rendered(chart), "NetworkPolicy")


def only_names(items: list[Object]) -> list[str]:
    return [f"{item['kind']}/{item['metadata']['name']}" for item in items]


def mounted(pod: Object, path: str) -> Object:
    """Return the volume that the pod's container mounts at a path."""
    [container] = pod["containers"]
    [name] = [mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == path]
    [found] = [volume for volume in pod["volumes"] if volume["name"] == name]
    return dict(found)


@pytest.mark.parametrize("name", HELMS)
@BOTH
def test_lint_finds_nothing(helm: Path, name: str, isolation: str) -> None:
    chart = Chart(Path(shutil.which(name) or helm))
    done = chart.run("lint", "--strict", str(FOLDER), values={**ENOUGH, **values(isolation)})
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


@BOTH
def test_the_bot_finds_buildkit_and_its_client(chart: Chart, isolation: str) -> None:
    items = rendered(chart, isolation)
    bot = pod(items, "StatefulSet")
    variables = {each["name"]: each.get("value") for each in bot["containers"][0]["env"]}
    assert variables["CHATOPS_BUILDKIT__ADDRESS"] == f"tcp://{NAME}:1234"
    assert one(items, "Deployment")["metadata"]["name"] == NAME
    [client] = bot["initContainers"]
    assert client["command"][1] == "/usr/bin/buildctl"
    assert client["image"] == pod(items)["containers"][0]["image"]
    assert client["image"].endswith("-rootless") == (isolation == "rootless")
    assert pod(rendered(chart, isolation, image="mine:1"))["containers"][0]["image"] == "mine:1"


@BOTH
def test_only_the_bot_may_reach_it(chart: Chart, isolation: str) -> None:
    items = rendered(chart, isolation)
    [source] = one(items, "NetworkPolicy")["spec"]["ingress"][0]["from"]
    labels = one(items, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert source["podSelector"]["matchLabels"].items() <= labels.items()
    assert pod(items)["automountServiceAccountToken"] is False


@pytest.mark.attack
@pytest.mark.parametrize("service", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254"])
def test_builds_do_not_reach_a_metadata_service(chart: Chart, service: str) -> None:
    policy = one(rendered(chart), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    anywhere, dns = policy["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert not reached(anywhere["to"], service)
    # As on every network, so that images and packages can be downloaded.
    for address in ("192.0.2.1", "10.0.0.1", "2001:db8::1"):
        assert reached(anywhere["to"], address)
    allowed = one(rendered(chart, blockMetadata=False), "NetworkPolicy")["spec"]
    assert allowed["policyTypes"] == ["Ingress"]
    assert "egress" not in allowed


def reached(peers: list[Object], address: str) -> bool:
    """Return whether a rule allows connections to an address."""
    blocks = [peer["ipBlock"] for peer in peers if "ipBlock" in peer]
    return any(
        ip_address(address) in ip_network(block["cidr"])
        and not any(ip_address(address) in ip_network(left_out) for left_out in block["except"])
        for block in blocks
    )


def test_rootless_is_not_root_in_any_namespace_of_the_node(chart: Chart) -> None:
    found = pod(rendered(chart))
    assert found["securityContext"]["runAsNonRoot"] is True
    assert "hostUsers" not in found
    assert not found["containers"][0].get("securityContext")


@pytest.mark.attack
def test_with_user_namespaces_builds_have_processes_of_their_own(chart: Chart) -> None:
    sandboxed, shared = (pod(rendered(chart, name)) for name in ("userns", "rootless"))
    flag = "--oci-worker-no-process-sandbox"
    assert flag in shared["containers"][0]["args"]
    assert flag not in sandboxed["containers"][0]["args"]
    # Privileged only below the user namespace, which the first container has checked.
    assert sandboxed["hostUsers"] is False
    assert sandboxed["containers"][0]["securityContext"] == {"privileged": True}
    [check] = sandboxed["initContainers"]
    assert check["securityContext"]["capabilities"] == {"drop": ["ALL"]}


MAPS = {
    "of a pod": ("0 1879048192 65536\n", True),
    "of several ranges": ("         0    1000    1\n         1  100000  65536\n", True),
    "of the node": ("         0          0 4294967295\n", False),
    "with root of the node as another user": ("0 100000 1\n1 0 1\n", False),
    "without root": ("1000 100000 1\n", False),
    "empty": ("", False),
    "unreadable": ("root is nobody\n", False),
}


@pytest.mark.attack
@pytest.mark.parametrize("kind", MAPS)
def test_without_a_user_namespace_the_pod_does_not_start(chart: Chart, tmp_path: Path, kind: str) -> None:
    text, starts = MAPS[kind]
    file = tmp_path / "uid_map"
    file.write_text(text)
    [check] = pod(rendered(chart, "userns"))["initContainers"]
    assert check["args"] == ["/proc/self/uid_map"]
    assert check["command"][:2] == ["/bin/sh", "-c"]
    done = subprocess.run([*check["command"], str(file)], check=False, capture_output=True, text=True)  # noqa: S603 - the chart's own script
    assert (done.returncode == 0) is starts, done.stderr
    assert ("use rootless" in done.stderr) is not starts


@pytest.mark.attack
def test_this_machines_root_is_root_of_the_node(chart: Chart) -> None:
    [check] = pod(rendered(chart, "userns"))["initContainers"]
    done = subprocess.run([*check["command"], *check["args"]], check=False, capture_output=True)  # noqa: S603 - the chart's own script
    first = Path("/proc/self/uid_map").read_text().split()[:2]
    assert (done.returncode == 0) == (first[1] != "0")


def test_clusters_that_cannot_have_user_namespaces_are_refused(chart: Chart) -> None:
    given = ("bot", str(FOLDER), "--kube-version", "1.29.0")
    done = chart.run("template", *given, values={**ENOUGH, **values("userns")})
    assert done.returncode != 0
    assert "requires Kubernetes 1.30" in done.stderr


def written(items: list[Object], kind: str, path: str, folder: Path) -> Path:
    """Write the files that a pod mounts at a path."""
    volume = mounted(pod(items, kind), path)
    secret = one(items, "Secret")
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    folder.mkdir()
    for item in volume["secret"]["items"]:
        (folder / item["path"]).write_bytes(base64.b64decode(secret["data"][item["key"]]))
    assert {file.name for file in folder.iterdir()} == {"ca.pem", "cert.pem", "key.pem"}
    return folder


@pytest.fixture
def sides(chart: Chart, tmp_path: Path) -> tuple[Path, Path]:
    """Give the certificates that buildkitd has, and those of the bot."""
    items = rendered(chart)
    [bot] = pod(items, "StatefulSet")["containers"]
    variables = {each["name"]: each.get("value") for each in bot["env"]}
    return (
        written(items, "Deployment", "/certificates", tmp_path / "daemon"),
        written(items, "StatefulSet", variables["CHATOPS_BUILDKIT__TLS_DIR"], tmp_path / "bot"),
    )


def server(folder: Path) -> ssl.SSLContext:
    """Return the server's side as buildkitd has it with --tlscacert."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def client(folder: Path) -> ssl.SSLContext:
    """Return the client's side as buildctl has it with --tlsdir."""
    made = ssl.create_default_context(cafile=folder / "ca.pem")
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


def connect(theirs: ssl.SSLContext, ours: ssl.SSLContext, name: str) -> None:
    """Connect a client to a server in memory; raises SSLError if either refuses the other."""
    one_way, other_way = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        ours.wrap_bio(one_way, other_way, server_hostname=name),
        theirs.wrap_bio(other_way, one_way, server_side=True),
    ]
    for end in itertools.islice(itertools.cycle(ends), 10):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    ends[0].write(b"x")
    assert ends[1].read() == b"x"


@pytest.mark.parametrize("name", [NAME, f"{NAME}.chatops", f"{NAME}.chatops.svc"])
def test_the_bot_and_buildkitd_know_each_other(sides: tuple[Path, Path], name: str) -> None:
    daemon, bot = sides
    connect(server(daemon), client(bot), name)


@pytest.mark.attack
def test_code_of_a_build_has_no_certificate_for_the_daemon_beside_it(
    chart: Chart, sides: tuple[Path, Path]
) -> None:
    daemon, bot = sides
    [container] = pod(rendered(chart))["containers"]
    # The one on the network wants a certificate; a socket is a file, and builds have files of their own.
    addresses = [word for word in container["args"] if word.startswith("--addr=")]
    assert [each.partition("://")[0] for each in addresses] == ["--addr=unix", "--addr=tcp"]
    assert {"--tlscacert=/certificates/ca.pem", "--tlskey=/certificates/key.pem"} <= {*container["args"]}
    with pytest.raises(ssl.SSLError):
        connect(server(daemon), ssl.create_default_context(cafile=bot / "ca.pem"), NAME)


@pytest.mark.attack
def test_another_server_is_not_taken_for_buildkitd(sides: tuple[Path, Path]) -> None:
    daemon, bot = sides
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(server(daemon), client(bot), "bot-gitee-chatops.chatops")


@pytest.mark.attack
def test_the_bot_and_buildkitd_see_only_their_own_keys(sides: tuple[Path, Path]) -> None:
    daemon, bot = ({(folder / name).read_bytes() for name in ("cert.pem", "key.pem")} for folder in sides)
    assert not daemon & bot


def test_certificates_of_the_operator_are_used_instead(chart: Chart) -> None:
    items = rendered(chart, tlsSecret="mine")
    assert "Secret" not in {item["kind"] for item in items}
    for found, path in ((pod(items), "/certificates"), (pod(items, "StatefulSet"), "/run/secrets/buildkit")):
        assert mounted(found, path)["secret"]["secretName"] == "mine"


def test_without_buildkit_nothing_of_it_is_created(chart: Chart) -> None:
    items = chart.render({})
    assert not {"Secret", "Deployment", "NetworkPolicy"} & {item["kind"] for item in items}
    [source] = [each for each in pod(items, "StatefulSet")["volumes"] if "secret" in each]
    assert source["secret"]["secretName"] == SECRET
