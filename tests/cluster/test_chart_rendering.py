"""The chart rendered by Helm: the effect of each value, and rejected values."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.chart import ENOUGH, FOLDER, HELMS, SECRET, Chart, Object, one

POSTGRESQL: dict[str, Any] = {
    "database": "postgresql",
    "secrets": {"existingSecret": SECRET, "keys": {"STORE__URL": "store-url"}},
}


def pod(items: list[Object]) -> Object:
    """Return the pod that the bot runs in."""
    [found] = [item for item in items if item["kind"] in {"Deployment", "StatefulSet"}]
    spec: Object = found["spec"]["template"]["spec"]
    return spec


def container(items: list[Object]) -> Object:
    [found] = pod(items)["containers"]
    return dict(found)


def environment(items: list[Object]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(items)["env"]}


def volumes(items: list[Object]) -> dict[str, Object]:
    return {each["name"]: each for each in pod(items)["volumes"]}


@pytest.mark.parametrize("name", HELMS)
@pytest.mark.parametrize("values", [ENOUGH, POSTGRESQL | {"buildkit": {"enabled": True}}])
def test_lint_finds_nothing(helm: Path, name: str, values: dict[str, Any]) -> None:
    done = Chart(Path(shutil.which(name) or helm)).run("lint", "--strict", str(FOLDER), values=values)
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


def test_sqlite_is_one_pod_that_keeps_its_volume(chart: Chart) -> None:
    items = chart.render({"replicas": 5, "data": {"size": "3Gi", "storageClass": "fast"}})
    found = one(items, "StatefulSet")["spec"]
    assert found["replicas"] == 1
    [claim] = found["volumeClaimTemplates"]
    assert claim["spec"]["resources"] == {"requests": {"storage": "3Gi"}}
    assert claim["spec"]["storageClassName"] == "fast"
    assert {"name": claim["metadata"]["name"], "mountPath": "/data"} in container(items)["volumeMounts"]
    assert environment(items)["CHATOPS_SERVER__DATA_DIR"] == "/data"


def test_a_pod_has_no_docker_engine_unless_one_is_configured(chart: Chart) -> None:
    assert environment(chart.render({}))["CHATOPS_DOCKER__ENABLED"] == "false"
    configured = chart.render({"docker": {"enabled": True}})
    assert environment(configured)["CHATOPS_DOCKER__ENABLED"] == "true"


def test_sqlite_to_try_out_needs_no_storage(chart: Chart) -> None:
    items = chart.render({"data": {"persistent": False}})
    assert "volumeClaimTemplates" not in one(items, "StatefulSet")["spec"]
    assert volumes(items)["data"]["emptyDir"] == {}


def test_postgresql_is_several_pods_spread_over_nodes(chart: Chart) -> None:
    items = chart.render({**POSTGRESQL, "replicas": 3})
    assert one(items, "Deployment")["spec"]["replicas"] == 3
    assert one(items, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    [spread] = pod(items)["topologySpreadConstraints"]
    assert spread["labelSelector"] == one(items, "Deployment")["spec"]["selector"]
    assert environment(items)["CHATOPS_STORE__URL_FILE"] == "/run/secrets/chatops/store-url"


def test_an_existing_claim_replaces_the_charts(chart: Chart) -> None:
    items = chart.render({"data": {"existingClaim": "mine"}})
    assert volumes(items)["data"]["persistentVolumeClaim"] == {"claimName": "mine"}
    assert "volumeClaimTemplates" not in one(items, "StatefulSet")["spec"]


def test_one_pod_has_no_disruption_budget(chart: Chart) -> None:
    kinds = {item["kind"] for item in chart.render({**POSTGRESQL, "replicas": 1}) + chart.render({})}
    assert "PodDisruptionBudget" not in kinds


@pytest.mark.parametrize(("server", "api"), [("1.20.2", "policy/v1beta1"), ("1.30.0", "policy/v1")])
def test_the_disruption_budget_has_an_api_version_of_the_server(chart: Chart, server: str, api: str) -> None:
    items = chart.render(POSTGRESQL, "bot", "chatops", "--kube-version", server)
    assert one(items, "PodDisruptionBudget")["apiVersion"] == api


def test_secrets_are_files_that_the_settings_name(chart: Chart) -> None:
    items = chart.render({"secrets": {**ENOUGH["secrets"], "keys": {"REGISTRY__PASSWORD": "harbor"}}})
    found = environment(items)
    assert found["CHATOPS_GITEE__TOKEN_FILE"] == "/run/secrets/chatops/gitee-token"
    assert found["CHATOPS_REGISTRY__PASSWORD_FILE"] == "/run/secrets/chatops/harbor"
    assert volumes(items)["secrets"]["secret"]["secretName"] == SECRET
    assert not [item for item in items if item["kind"] == "Secret"]


def test_the_configuration_arrives_as_it_was_written(chart: Chart) -> None:
    written = '[repos]\nallow = ["团队/*", "!a/b"]\n[limits]\nruns = 3\n'
    items = chart.render({"config": written})
    text = one(items, "ConfigMap")["data"]["chatops.toml"]
    assert tomllib.loads(text) == tomllib.loads(written)
    assert container(items)["args"][-1] == "/etc/chatops/chatops.toml"


def test_a_changed_configuration_starts_new_pods(chart: Chart) -> None:
    marks = {
        one(chart.render({"config": text}), "StatefulSet")["spec"]["template"]["metadata"]["annotations"][
            "checksum/config"
        ]
        for text in ("[repos]\n", "[limits]\n")
    }
    assert len(marks) == 2


def test_the_pod_satisfies_the_restricted_standard(chart: Chart) -> None:
    items = chart.render({})
    assert pod(items)["securityContext"]["runAsNonRoot"] is True
    assert pod(items)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(items)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod(items).keys()


def test_probes_request_the_health_endpoints(chart: Chart) -> None:
    found = container(chart.render({}))
    paths = {kind: found[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    # Webhooks must arrive even while the registry is unavailable.
    assert one(chart.render({}), "Service")["spec"]["publishNotReadyAddresses"] is True


def test_an_image_by_digest_wins(chart: Chart) -> None:
    digest = f"sha256:{'a' * 64}"
    image = {"repository": "harbor.example.com/t/bot", "tag": "1", "digest": digest, "pullSecrets": ["h"]}
    items = chart.render({"image": image})
    assert container(items)["image"] == f"harbor.example.com/t/bot@{digest}"
    assert pod(items)["imagePullSecrets"] == [{"name": "h"}]


def test_pages_and_previews_have_their_own_hosts(chart: Chart) -> None:
    previews = {"enabled": True, "domain": "preview.example.com", "tlsSecret": "wildcard"}
    ingress = {"enabled": True, "className": "nginx", "host": "bot.example.com", "tlsSecret": "t"}
    items = chart.render({"ingress": {**ingress, "previews": previews}})
    spec = one(items, "Ingress")["spec"]
    ports = {
        rule["host"]: rule["http"]["paths"][0]["backend"]["service"]["port"]["name"] for rule in spec["rules"]
    }
    assert ports == {"bot.example.com": "http", "*.preview.example.com": "previews"}
    assert spec["ingressClassName"] == "nginx"
    assert [entry["hosts"] for entry in spec["tls"]] == [["bot.example.com"], ["*.preview.example.com"]]
    assert environment(items)["CHATOPS_SERVER__PUBLIC_URL"] == "https://bot.example.com"


def test_without_an_ingress_the_public_address_is_left_to_the_configuration(chart: Chart) -> None:
    items = chart.render({})
    assert "Ingress" not in {item["kind"] for item in items}
    assert "CHATOPS_SERVER__PUBLIC_URL" not in environment(items)


def test_the_bot_answers_to_the_names_of_its_service(chart: Chart) -> None:
    items = chart.render({"hosts": ["hooks.example.com"]})
    service = one(items, "Service")["metadata"]["name"]
    short, other = environment(items)["CHATOPS_SERVER__HOSTS"].split(",")
    assert short.startswith(f"{service}.")
    assert other == "hooks.example.com"


def test_prometheus_finds_the_service(chart: Chart) -> None:
    items = chart.render({"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}})
    monitor = one(items, "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    labels = one(items, "Service")["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert monitor["spec"]["endpoints"][0]["path"] == "/metrics"


def test_programs_of_other_images_are_copied_onto_the_path(chart: Chart) -> None:
    items = chart.render({"tools": [{"image": "alpine/helm:3", "program": "/usr/bin/helm"}]})
    [tool] = pod(items)["initContainers"]
    assert tool["image"] == "alpine/helm:3"
    assert tool["command"][:2] == ["cp", "/usr/bin/helm"]
    assert tool["command"][2].strip("/") in environment(items)["PATH"]
    assert tool["securityContext"] == container(items)["securityContext"]


def test_two_releases_do_not_share_names(chart: Chart) -> None:
    def names(release: str, namespace: str) -> set[tuple[str, str]]:
        return {
            (item["kind"], item["metadata"]["name"])
            for item in chart.render({}, release, namespace)
            if item["kind"].startswith("Cluster")
        }

    assert not names("bot", "a") & names("bot", "b")
    assert not names("bot", "a") & names("other", "a")


def test_an_operator_can_grant_the_rights_instead(chart: Chart) -> None:
    values = {"rbac": {"create": False}, "serviceAccount": {"create": False, "name": "mine"}}
    items = chart.render(values)
    assert not {"ClusterRole", "ClusterRoleBinding", "ServiceAccount"} & {item["kind"] for item in items}
    assert pod(items)["serviceAccountName"] == "mine"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"secrets": {"existingSecret": ""}}, "secrets.existingSecret"),
        ({"database": "postgresql"}, "secrets.keys.STORE__URL"),
        ({"database": "mysql"}, "database"),
        ({"databse": "sqlite"}, "databse"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"secrets": {"existingSecret": "a", "keys": {"token": "b"}}}, "token"),
    ],
)
def test_invalid_values_are_rejected_by_name(chart: Chart, values: dict[str, Any], named: str) -> None:
    done = chart.run("template", "bot", str(FOLDER), values={**ENOUGH, **values})
    assert done.returncode != 0
    assert named in done.stderr


def test_the_notes_name_the_address_and_the_doctor(chart: Chart) -> None:
    values = {**ENOUGH, "ingress": {"enabled": True, "host": "bot.example.com"}}
    done = chart.run("install", "bot", str(FOLDER), "--dry-run=client", values=values)
    assert "http://bot.example.com/" in done.stdout, done.stderr
    assert "exec sts/bot-gitee-chatops -- chatops doctor" in done.stdout


def test_a_role_reads_the_named_secrets_and_no_others(chart: Chart) -> None:
    secrets = {"existingSecret": SECRET, "read": {"shop": ["database", "mail"], "web": ["token"]}}
    items = chart.render({"secrets": secrets, "rbac": {"create": False}})
    roles = [item for item in items if item["kind"] == "Role"]
    bindings = [item for item in items if item["kind"] == "RoleBinding"]

    found = {role["metadata"]["namespace"]: role["rules"] for role in roles}
    one_rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    assert found == {
        "shop": [{**one_rule, "resourceNames": ["database", "mail"]}],
        "web": [{**one_rule, "resourceNames": ["token"]}],
    }
    account = one(items, "ServiceAccount")["metadata"]["name"]
    assert {each["metadata"]["namespace"] for each in bindings} == set(found)
    for each in bindings:
        assert each["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "chatops"}]
        assert each["roleRef"]["name"] == roles[0]["metadata"]["name"]
    assert {"Role", "ClusterRole"} & {
        item["kind"] for item in chart.render({"rbac": {"create": False}})
    } == set()


def test_mounted_secrets_are_readable_by_the_bot_alone(chart: Chart) -> None:
    assert volumes(chart.render({}))["secrets"]["secret"] == {"secretName": SECRET, "defaultMode": 0o440}
