"""The context of manifest templates, both built-in and the repository's."""

from collections.abc import Mapping
from typing import Any

from bot.core import naming, sizes
from bot.core.admission.images import name_of
from bot.core.environments import public
from bot.model.run import Image
from bot.ports import EnvironmentSpec, ServiceSpec
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.pure import part_files, part_secrets
from bot.runners.kubernetes.pure.entry_service import APP

_NO_CAPABILITIES = {"capabilities": {"drop": ["ALL"]}}


def template_context(
    spec: EnvironmentSpec, namespace: str, port: int, options: KubernetesOptions
) -> dict[str, Any]:
    """Return the context; docs/kubernetes.md describes it."""
    routing = options.routing
    return {
        "namespace": namespace,
        "host": spec.host,
        "entry_service": APP,
        "public": [
            {"name": each.name, "port": each.port, "host": public.host(spec.host, each), "path": each.path}
            for each in spec.public
        ],
        "run": spec.labels.get(naming.LABEL_RUN, ""),
        "pull": {
            "repository": str(spec.key.repo),
            "number": spec.key.number,
            "sha": spec.labels.get(naming.LABEL_SHA, spec.image.sha),
            "environment": spec.key.name,
        },
        "image": _image(spec.image),
        "images": {one.name: _image(one) for one in spec.image.all if one.name},
        "port": port,
        "command": list(spec.command),
        "entrypoint": list(spec.entrypoint),
        "working_dir": spec.working_dir,
        "aliases": list(spec.aliases),
        "env": dict(spec.env),
        "secrets": part_secrets.reference("deploy", spec.secrets, spec.labels),
        "health_path": spec.health_path,
        "resources": resources(spec.memory, options),
        "restricted": spec.restricted,
        "security": security(options, restricted=spec.restricted),
        "services": [_service(each, spec, options) for each in spec.services],
        "ingress": {
            "class": routing.ingress_class,
            "annotations": dict(routing.annotations),
            "tls": routing.tls,
            "tls_secret": routing.tls_secret,
        },
    }


def _service(service: ServiceSpec, spec: EnvironmentSpec, options: KubernetesOptions) -> dict[str, Any]:
    size = quantity(options.limits.disk)
    return {
        "name": service.name,
        "image": service.image,
        "env": dict(service.env),
        "secrets": part_secrets.reference(f"services.{service.name}", service.secrets, spec.labels),
        "command": list(service.command),
        "entrypoint": list(service.entrypoint),
        "working_dir": service.working_dir,
        "aliases": list(service.aliases),
        "port": service.port,
        "health_path": service.health_path,
        "health_command": list(service.health_command),
        "depends_on": list(service.depends_on),
        "volumes": [
            {"path": path, "size": size, "claim": naming.data(service.name, path) if spec.keeps_data else ""}
            for path in service.volumes
        ],
        "files": part_files.reference(service.name, service.files),
        "resources": resources(service.memory or spec.memory, options),
        "restricted": service.built and spec.restricted,
    }


def _image(image: Image) -> dict[str, str]:
    return {
        "pinned": image.pinned,
        "repository": name_of(image.pinned),
        "tag": image.tag,
        "digest": image.digest,
    }


def resources(memory: str, options: KubernetesOptions, cpus: float | None = None) -> dict[str, Any]:
    """Return a container's resources: the requested memory and CPUs, up to the operator's limit."""
    most = min(sizes.parse(memory), options.limits.memory)
    allowed = options.limits.cpu
    return {
        "limits": {
            "memory": quantity(most),
            "cpu": f"{cpus:g}" if cpus and cpus < float(allowed) else allowed,
            "ephemeral-storage": quantity(options.limits.disk),
        },
        "requests": {"memory": quantity(max(most >> 2, 16 << 20)), "cpu": "20m", "ephemeral-storage": "0"},
    }


def security(options: KubernetesOptions, *, restricted: bool = False) -> dict[str, Mapping[str, Any]]:
    """Return the security contexts of pods and containers that the operator's level requires.

    The one of the service itself, `app`, is stricter if the repository restricts it.
    """
    pod: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
    container: dict[str, Any] = {"allowPrivilegeEscalation": False}
    if options.run_as_user is not None:
        pod["runAsUser"] = options.run_as_user
    if options.level != "baseline":
        pod["runAsNonRoot"] = True
        container |= _NO_CAPABILITIES
    app = {**container, **_NO_CAPABILITIES, "readOnlyRootFilesystem": True} if restricted else container
    return {"pod": pod, "container": container, "app": app}


def quantity(size: int) -> str:
    """Return bytes as a Kubernetes quantity.

    >>> quantity(512 << 20), quantity(1000)
    ('512Mi', '1000')
    """
    return f"{size >> 20}Mi" if size % (1 << 20) == 0 else str(size)
