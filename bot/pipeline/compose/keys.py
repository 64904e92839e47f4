"""Every key of the Compose Specification: used, ignored because a preview does without it, or refused.

A test compares these tables with the published schema.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.core.language.spelling import nearest
from bot.model.text import Text
from bot.pipeline.compose import messages
from bot.pipeline.yaml_tree import Path, Tree

ANY = "*"
"""In a path, stands for a name that the author chooses, or for an item of a list."""
OFF = frozenset({"false", "no", "off", "0", ""})
"""Texts of a switch that asks for nothing."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What happens to the keys of one kind of mapping."""

    used: frozenset[str]
    ignored: frozenset[str] = frozenset()
    refused: Mapping[str, Text] = field(default_factory=dict)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TABLES: Mapping[tuple[str, ...], Keys] = {
    (): Keys(
        _words("services networks volumes"),
        _words("name version"),
        {
            "include": messages.ONE_FILE,
            "secrets": messages.SECRETS,
            "configs": messages.CONFIGS,
            "models": messages.MODELS,
        },
    ),
    ("services", ANY): Keys(
        _words(
            "build command container_name depends_on deploy entrypoint env_file environment expose"
            " healthcheck image links mem_limit networks ports profiles volumes working_dir"
        ),
        _words(
            "annotations attach blkio_config cap_drop cpu_count cpu_percent cpu_period cpu_quota"
            " cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset develop dns dns_opt dns_search domainname"
            " group_add hostname init label_file labels logging mac_address mem_reservation mem_swappiness"
            " memswap_limit oom_kill_disable oom_score_adj pids_limit platform pre_stop pull_policy"
            " pull_refresh_after read_only restart scale security_opt shm_size stdin_open stop_grace_period"
            " stop_signal storage_opt sysctls tmpfs tty ulimits user"
        ),
        {
            **dict.fromkeys(
                _words("privileged cap_add devices device_cgroup_rules gpus runtime use_api_socket"),
                messages.PRIVILEGES,
            ),
            **dict.fromkeys(
                _words("network_mode pid ipc uts userns_mode cgroup cgroup_parent isolation"),
                messages.NAMESPACES,
            ),
            **dict.fromkeys(_words("extra_hosts external_links"), messages.OTHER_HOSTS),
            "extends": messages.ONE_FILE,
            "secrets": messages.SECRETS,
            "configs": messages.CONFIGS,
            "models": messages.MODELS,
            "credential_spec": messages.SECRETS,
            "provider": messages.PROVIDER,
            "post_start": messages.POST_START,
            "volumes_from": messages.SHARED,
        },
    ),
    ("services", ANY, "build"): Keys(
        _words("context dockerfile dockerfile_inline target args"),
        _words("cache_from cache_to labels no_cache platforms provenance pull sbom shm_size tags ulimits"),
        {
            **dict.fromkeys(_words("additional_contexts"), messages.CONTEXTS),
            **dict.fromkeys(_words("ssh secrets"), messages.BUILD_SECRETS),
            **dict.fromkeys(_words("privileged entitlements isolation network"), messages.PRIVILEGES),
            "extra_hosts": messages.OTHER_HOSTS,
        },
    ),
    ("services", ANY, "deploy"): Keys(
        _words("resources"),
        _words("endpoint_mode labels mode placement replicas restart_policy rollback_config update_config"),
    ),
    ("services", ANY, "deploy", "resources"): Keys(_words("limits reservations")),
    ("services", ANY, "deploy", "resources", "limits"): Keys(_words("memory"), _words("cpus pids")),
    ("services", ANY, "deploy", "resources", "reservations"): Keys(
        frozenset(), _words("cpus memory generic_resources"), {"devices": messages.PRIVILEGES}
    ),
    ("services", ANY, "ports", ANY): Keys(
        _words("target protocol"), _words("app_protocol host_ip mode name published")
    ),
    ("services", ANY, "volumes", ANY): Keys(
        _words("type source target"), _words("bind consistency image read_only tmpfs volume")
    ),
    ("services", ANY, "healthcheck"): Keys(
        _words("test disable"), _words("interval retries start_interval start_period timeout")
    ),
    ("services", ANY, "depends_on", ANY): Keys(_words("condition required"), _words("restart")),
    ("services", ANY, "env_file", ANY): Keys(_words("path required"), _words("format")),
    ("services", ANY, "networks", ANY): Keys(
        _words("aliases"),
        _words("driver_opts gw_priority interface_name link_local_ips mac_address priority"),
        dict.fromkeys(_words("ipv4_address ipv6_address"), messages.ADDRESS),
    ),
    ("networks", ANY): Keys(
        frozenset(),
        _words("attachable driver driver_opts enable_ipv4 enable_ipv6 internal ipam labels name"),
        {"external": messages.EXTERNAL},
    ),
    ("volumes", ANY): Keys(
        frozenset(),
        _words("driver labels name"),
        {"external": messages.EXTERNAL, "driver_opts": messages.DRIVER_OPTS},
    ),
}
"""By the path of the mapping. Keys that begin with `x-` are extensions, which nothing reads."""


def cleaned(tree: Tree, path: Path = ()) -> Tree:
    """Return the tree without ignored keys, extensions, and refused keys that ask for nothing."""
    if isinstance(tree, list):
        return [cleaned(child, (*path, index)) for index, child in enumerate(tree)]
    if not isinstance(tree, dict):
        return tree
    keys = _keys(path)
    return {
        name: cleaned(child, (*path, name))
        for name, child in tree.items()
        if keys is None
        or not (name in keys.ignored or name.startswith("x-") or (name in keys.refused and _is_off(child)))
    }


def check(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Text, str]]:
    """Yield the keys of a cleaned tree that are refused or unknown, with what was probably meant."""
    keys = _keys(path)
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, child in children:
        inner = (*path, name)
        if keys is None or not isinstance(tree, dict) or name in keys.used:
            yield from check(child, inner)
        elif name in keys.refused:
            yield inner, keys.refused[str(name)], ""
        else:
            known = sorted({*keys.used, *keys.ignored, *keys.refused})
            yield inner, messages.UNKNOWN, nearest(str(name).lower(), known) or ""


def used(tree: Tree, path: Path = ()) -> Tree:
    """Return a tree with only the keys that are used."""
    if isinstance(tree, list):
        return [used(child, (*path, index)) for index, child in enumerate(tree)]
    if not isinstance(tree, dict):
        return tree
    keys = _keys(path)
    kept = tree if keys is None else keys.used & tree.keys()
    return {name: used(child, (*path, name)) for name, child in tree.items() if name in kept}


def _keys(path: Path) -> Keys | None:
    fitting = (
        keys
        for pattern, keys in TABLES.items()
        if len(pattern) == len(path)
        and all(wanted in {ANY, part} for wanted, part in zip(pattern, path, strict=True))
    )
    return next(fitting, None)


def _is_off(value: Tree) -> bool:
    return not value or (isinstance(value, str) and value.lower() in OFF)
