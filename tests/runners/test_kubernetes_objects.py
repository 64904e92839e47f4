"""Objects for a deployment or a suite, before they are applied."""

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import ServiceSpec
from bot.runners.kubernetes import rendering
from bot.runners.kubernetes.guardrails import limits, network_policy, quota
from bot.runners.kubernetes.options import DnsPeers, EnvironmentLimits, KubernetesOptions, Routing
from bot.runners.kubernetes.plans import scope_of
from bot.runners.kubernetes.pure.field_rules import PodSecurityLevel
from bot.runners.kubernetes.pure.manifest_policy import review
from bot.runners.kubernetes.pure.manifests import read
from bot.runners.kubernetes.suite_job import job, name
from bot.runners.kubernetes.template_context import template_context
from bot.sandbox.process import ProcessSandbox
from tests.runners.kubernetes_samples import IMAGE, environment_of, suite_of

OPTIONS = KubernetesOptions("bot", limits=EnvironmentLimits(memory=256 << 20))
HOSTILE = {"A": '"}\n---\nkind: Namespace', "B": "$(HOME) $$", "C": "{{ 7 * 7 }}", "我": "：\u2028'"}


def built(options: KubernetesOptions = OPTIONS, **changes: Any) -> list[dict[str, Any]]:
    spec = environment_of(**changes)
    context = template_context(spec, "pr-12-shop", 8080, options)
    texts = [rendering.built_in(name, context) for name in ("app", "ingress")]
    texts += [rendering.built_in("service", {**context, "part": part}) for part in context["services"]]
    return [document for text in texts for document in yaml.safe_load_all(text)]


def pods(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in documents if each["kind"] == "Deployment"]


def test_values_of_a_repository_cannot_inject_yaml() -> None:
    services = [
        ServiceSpec("db", 'x"y: z', {"P": "$(PATH)\n- x"}, ("a", "$(B)"), 5432),
        ServiceSpec("q", "q"),
    ]
    documents = built(
        env=HOSTILE, command=("sh", "-c", "echo $(HOME) '\"'"), services=services, health_path='/a?b="c'
    )

    assert [each["kind"] for each in documents] == [
        "Service", "Deployment", "Ingress", "Service", "Deployment", "Service", "Deployment",
    ]  # fmt: skip
    app, database, _ = pods(documents)
    variables = {each["name"]: each["value"] for each in app["containers"][0]["env"]}
    assert variables == {key: value.replace("$", "$$") for key, value in HOSTILE.items()}
    assert app["containers"][0]["args"] == ["sh", "-c", "echo $$(HOME) '\"'"]
    assert app["containers"][0]["readinessProbe"]["httpGet"]["path"] == '/a?b="c'
    assert database["containers"][0]["image"] == 'x"y: z'


def test_built_in_manifests_comply_with_the_policy() -> None:
    documents = built(services=[ServiceSpec("db", "postgres:16", port=5432, volumes=("/data",))])
    text = "\n---\n".join(map(json.dumps, documents))
    common = text.replace("chatops.part", "part").replace("chatops.run", "revision")

    found = review(read(common), scope_of(OPTIONS, "pr-12-shop", environment_of()))

    assert (found.violations, found.changes) == ((), ())


def test_pods_are_restricted_and_mount_no_token() -> None:
    for pod in [*pods(built()), job(suite_of(), OPTIONS, {})["spec"]["template"]["spec"]]:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": True}
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_lower_security_level_allows_root_and_a_user_can_be_set() -> None:
    loose = pods(built(KubernetesOptions("bot", level="baseline")))[0]
    named = pods(built(KubernetesOptions("bot", run_as_user=1000)))[0]

    assert "runAsNonRoot" not in loose["securityContext"]
    assert named["securityContext"]["runAsUser"] == 1000


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_service_that_its_repository_restricts_can_write_to_tmp_only(level: PodSecurityLevel) -> None:
    [pod] = pods(built(KubernetesOptions("bot", level=level), restricted=True))
    [app] = pod["containers"]

    assert pod["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    assert app["securityContext"]["readOnlyRootFilesystem"] is True
    assert app["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert app["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


def test_memory_is_the_requested_amount_up_to_the_operators_limit() -> None:
    asked, capped = (pods(built(memory=memory))[0]["containers"][0]["resources"] for memory in ("128m", "1g"))

    assert asked["limits"]["memory"] == "128Mi"
    assert capped["limits"]["memory"] == "256Mi"


def test_a_service_has_its_own_memory_and_health_path() -> None:
    services = [
        ServiceSpec("api", "api", port=80, health_path='/a?b="c', memory="64m"),
        ServiceSpec("db", "postgres:16", port=5432),
    ]

    api, database = (pod["containers"][0] for pod in pods(built(services=services))[1:])

    assert api["resources"]["limits"]["memory"] == "64Mi"
    assert api["readinessProbe"]["httpGet"] == {"path": '/a?b="c', "port": 80}
    assert database["resources"]["limits"]["memory"] == "128Mi"
    assert database["readinessProbe"]["tcpSocket"] == {"port": 5432}


def test_what_a_container_runs_and_its_hostnames_are_values_too() -> None:
    hostile = 'x"\n- y: {$(A)'
    part = ServiceSpec(
        "db",
        "postgres:16",
        entrypoint=("/bin/sh", hostile),
        working_dir=hostile,
        aliases=("shop-db",),
        health_command=("test", hostile),
    )

    documents = built(services=[part], entrypoint=("/bin/sh", hostile), working_dir=hostile, aliases=("web",))

    services = {each["metadata"]["name"]: each["spec"] for each in documents if each["kind"] == "Service"}
    assert services["web"] == services["app"]
    assert services["shop-db"] == services["db"] == {"selector": {"chatops.part": "db"}, "clusterIP": "None"}
    app, database = (pod["containers"][0] for pod in pods(documents))
    written = hostile.replace("$(", "$$(")
    assert (app["command"], app["workingDir"]) == (["/bin/sh", written], hostile)
    assert (database["command"], database["workingDir"]) == (["/bin/sh", written], hostile)
    assert database["readinessProbe"]["exec"]["command"][0] == "test"


def test_a_service_has_a_volume_for_each_folder_of_its_data() -> None:
    paths = ("/var/lib/data", '/a"b')
    services = [ServiceSpec("db", "postgres:16", port=5432, volumes=paths)]

    pod = pods(built(services=services))[1]

    folder = {"emptyDir": {"sizeLimit": "2048Mi"}}
    assert pod["volumes"] == [{"name": "data-0", **folder}, {"name": "data-1", **folder}]
    assert [each["mountPath"] for each in pod["containers"][0]["volumeMounts"]] == list(paths)


def test_an_ingress_carries_class_annotations_and_certificate() -> None:
    routing = Routing("nginx", {"cert-manager.io/issuer": "x"}, tls=True, tls_secret="web-tls")

    ingress = next(
        each for each in built(KubernetesOptions("bot", routing=routing)) if each["kind"] == "Ingress"
    )

    assert ingress["metadata"]["annotations"] == {"cert-manager.io/issuer": "x"}
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["pr-12-shop.example.com"], "secretName": "web-tls"}]
    assert "tls" not in next(each for each in built() if each["kind"] == "Ingress")["spec"]


def test_network_policies_allow_only_the_ingress_controller_dns_and_configured_egress() -> None:
    routing = Routing(
        namespace_labels={"kubernetes.io/metadata.name": "ingress-nginx"}, cidrs=("10.0.0.0/24",)
    )
    policy = network_policy(KubernetesOptions("bot", routing=routing, egress=("192.0.2.0/24",)))

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"][0]["from"][1:] == [
        {"ipBlock": {"cidr": "10.0.0.0/24"}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}},
    ]
    assert policy["egress"][0]["to"] == [{"podSelector": {}}, {"ipBlock": {"cidr": "192.0.2.0/24"}}]
    assert len(network_policy(OPTIONS)["ingress"][0]["from"]) == 1
    assert network_policy(OPTIONS, ("10.2.0.0/16",))["egress"][0]["to"][1:] == [
        {"ipBlock": {"cidr": "10.2.0.0/16"}}
    ]


@pytest.mark.attack
@pytest.mark.parametrize("cidrs", [(), ("169.254.20.10/32",)])
def test_network_policies_without_labels_of_dns_servers_open_no_port_of_other_pods(
    cidrs: tuple[str, ...],
) -> None:
    _, *dns = network_policy(KubernetesOptions("bot", dns=DnsPeers({}, {}, cidrs)))["egress"]
    assert [rule["to"] for rule in dns] == [[{"ipBlock": {"cidr": cidr}}] for cidr in cidrs]


@pytest.mark.attack
def test_network_policies_allow_dns_only_to_the_clusters_servers() -> None:
    elsewhere = DnsPeers({"dns": "yes"}, {"app": "coredns"}, ("169.254.20.10/32",))

    _, found = network_policy(OPTIONS)["egress"]
    _, chosen = network_policy(KubernetesOptions("bot", dns=elsewhere))["egress"]

    assert found["ports"] == [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    assert found["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ]
    assert chosen["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"dns": "yes"}},
            "podSelector": {"matchLabels": {"app": "coredns"}},
        },
        {"ipBlock": {"cidr": "169.254.20.10/32"}},
    ]


@pytest.mark.parametrize(("asked", "given"), [(None, "1"), (0.5, "0.5"), (1.0, "1"), (64.0, "1")])
def test_a_suite_has_its_cpus_up_to_the_operators_limit(asked: float | None, given: str) -> None:
    pod = job(suite_of(cpus=asked), OPTIONS, {})["spec"]["template"]["spec"]

    tests, reports = pod["containers"]
    assert tests["resources"]["limits"]["cpu"] == given
    assert reports["resources"]["limits"]["cpu"] == "1"


@pytest.mark.attack
def test_quota_and_limits_come_from_the_operator() -> None:
    assert quota(OPTIONS)["services.nodeports"] == "0"
    assert limits(OPTIONS)["max"]["memory"] == limits(OPTIONS)["default"]["memory"] == str(256 << 20)
    assert quota(OPTIONS)["limits.ephemeral-storage"] == str(32 << 30)
    assert quota(OPTIONS)["count/pods"] == quota(OPTIONS)["count/jobs.batch"] == "200"
    assert limits(OPTIONS)["max"]["ephemeral-storage"] == str(2 << 30)
    for pod in [*pods(built()), job(suite_of(), OPTIONS, {})["spec"]["template"]["spec"]]:
        for container in pod["containers"]:
            assert container["resources"]["limits"]["ephemeral-storage"] == "2048Mi"


def test_a_suite_has_one_object_name_for_any_suite_name() -> None:
    assert name("unit") == "tests-unit"
    assert name("集成") != name("单元")
    assert len(name("x" * 200)) <= 63


@pytest.mark.parametrize(
    ("report", "command", "mounted"),
    [
        ("/reports", "", "/reports"),
        ("/reports/", "make test", "/reports"),
        ("/out/junit.xml", "", "/out"),
        ("/app/junit.xml", "make test", "/chatops-reports"),
        ("/out/tests.trx", "", "/out"),
    ],
)
def test_the_shared_folder_is_mounted_at_the_report_path(report: str, command: str, mounted: str) -> None:
    pod = job(suite_of(report=report, command=command), OPTIONS, {})["spec"]["template"]["spec"]

    tests, reports = pod["containers"]
    assert tests["volumeMounts"] == [{"name": "reports", "mountPath": mounted}]
    assert reports["volumeMounts"][0]["mountPath"] == "/chatops-reports"
    assert ("command" in tests) == bool(command)


SEVERAL = replace(
    IMAGE,
    name="web",
    beside=(
        replace(
            IMAGE, reference="r.example.com/shop/my-api:pr-12-1a", digest=f"sha256:{'1' * 64}", name="my-api"
        ),
    ),
)


@pytest.mark.attack
def test_a_service_from_an_image_of_the_commit_is_restricted_as_the_deployed_one() -> None:
    services = [ServiceSpec("worker", "r/api@sha256:00", built=True), ServiceSpec("db", "postgres:16")]

    found = {pod["containers"][0]["name"]: pod for pod in pods(built(restricted=True, services=services))}

    [worker], [db] = found["worker"]["containers"], found["db"]["containers"]
    assert worker["securityContext"]["readOnlyRootFilesystem"] is True
    assert worker["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert found["worker"]["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    assert "readOnlyRootFilesystem" not in db["securityContext"]
    assert "volumes" not in found["db"]


async def test_templates_get_all_images_by_their_names() -> None:
    context = template_context(environment_of(image=SEVERAL), "pr-12-shop", 8080, OPTIONS)
    templates = {"a.yaml": '{{ images["my-api"].pinned }} {{ images.web.tag }} {{ image.tag }}'}

    found = await rendering.of_repository(ProcessSandbox(), templates, context, "deploy")

    assert found == {"a.yaml": f"{SEVERAL.beside[0].pinned} pr-12-1a2b3c4d pr-12-1a2b3c4d"}


def test_the_only_image_is_in_no_list() -> None:
    assert template_context(environment_of(), "pr-12-shop", 8080, OPTIONS)["images"] == {}


def test_manifests_may_use_all_images_of_their_commit() -> None:
    scope = scope_of(OPTIONS, "pr-12-shop", environment_of(image=SEVERAL))

    assert scope.own_images == ("registry.example.com/acme/shop", "r.example.com/shop/my-api")


async def test_a_repositorys_templates_are_rendered_from_the_documented_facts() -> None:
    context = template_context(environment_of(), "pr-12-shop", 8080, OPTIONS)
    templates = {
        "web.yaml": "{% import '_parts.yaml' as parts %}{{ parts.image(image) }} {{ host | json }}",
        "_parts.yaml": "{% macro image(image) %}{{ image.tag }}{% endmacro %}",
    }

    found = await rendering.of_repository(ProcessSandbox(), templates, context, "deploy")

    assert found == {"web.yaml": 'pr-12-1a2b3c4d "pr-12-shop.example.com"'}


@pytest.mark.parametrize(
    ("template", "path", "message"),
    [
        ("{{ nobody }}", "deploy/x.yaml", "'nobody' is undefined"),
        ("a\n{% if %}", "deploy/x.yaml", "line 2: Expected an expression, got 'end of statement block'"),
        (
            "{{ ''.__class__.__mro__ }}",
            "deploy/x.yaml",
            "access to attribute '__class__' of 'str' object is unsafe.",
        ),
        ("{% include '/etc/passwd' %}", "deploy/x.yaml", "/etc/passwd"),
        ("{{ 1 / 0 }}", "deploy/x.yaml", "division by zero"),
        ("{% for _ in range(99999) %}{{ 'x' * 99 }}{% endfor %}", "deploy/x.yaml", "the result is too large"),
    ],
)
async def test_a_template_that_cannot_be_rendered_is_reported(template: str, path: str, message: str) -> None:
    with pytest.raises(TellUser) as caught:
        await rendering.of_repository(ProcessSandbox(), {"x.yaml": template}, {}, "deploy")

    assert caught.value.reason is Reason.MANIFEST_INVALID
    assert caught.value.facts == {"path": path, "message": message}
