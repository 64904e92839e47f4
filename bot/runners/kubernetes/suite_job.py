"""The Job that runs one suite: one container for the tests, and a collector that outputs their report.

The bot may not execute commands in pods, because that right would cover every pod of the cluster. So the
collector waits until the tests have ended, which it sees in the pod's shared process namespace, and writes
the reports to its own log. That also works for tests that fail or crash.
"""

import posixpath
from collections.abc import Mapping
from typing import Any

from bot.core import naming
from bot.core.results.report_files import is_report
from bot.ports import TestSpec
from bot.runners.kubernetes import templates
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.pure import cluster_labels, part_secrets
from bot.runners.kubernetes.pure.manifests import JOB
from bot.runners.kubernetes.template_context import resources, security

TESTS, REPORTS = "tests", "reports"
FOLDER = "/chatops-reports"
BEGIN, END = "chatops-reports-begin", "chatops-reports-end"
ARCHIVE_LIMIT = 6 << 20
"""Compressed bytes: in base64 they stay below the 10 MiB at which nodes rotate a log file."""
MARGIN = 300
"""Seconds beyond the suite's timeout after which the cluster stops the Job."""
_VOLUME_LIMIT = "256Mi"

_COPY = f'/bin/sh -c "$0"; code=$?; cp "$1" {FOLDER}/ 2>/dev/null; exit $code'
# Process 1 is the pause container, `$$` the collector; zombies were not waited for by their parents.
_COLLECT = rf"""
while :; do
  busy=
  for process in /proc/[0-9]*; do
    [ "$process" = /proc/1 ] || [ "$process" = "/proc/$$" ] && continue
    read -r stat 2>/dev/null < "$process/stat" || continue
    case "$stat" in *") Z "*) ;; *) busy=1; break ;; esac
  done
  [ -n "$busy" ] || break
  sleep 0.2
done
cd /
echo {BEGIN}
set -f
IFS='
'
# Results first, so that the limit never cuts them because of HTML pages.
set -- $(find {FOLDER.strip("/")} -type f \( -iname '*.xml' -o -iname '*.trx' \) | head -n 1000)
set -- "$@" $(find {FOLDER.strip("/")} -type f -iname '*.html' | head -n 20)
[ $# = 0 ] || tar -cf - "$@" 2>/dev/null | gzip | head -c {ARCHIVE_LIMIT} | base64
echo {END}
"""


def name(suite: str) -> str:
    """Return the name of a suite's Job. It is the same for every attempt, so that no suite starts twice."""
    return f"tests-{naming.slug(suite)}"[:63].rstrip("-")


def job(spec: TestSpec, options: KubernetesOptions, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the Job."""
    marked = {**labels, cluster_labels.LABEL_ROLE: "tests"}
    contexts = security(options)
    secrets = part_secrets.reference(part_secrets.OF_TESTS, spec.secrets, labels)
    pod = {
        "restartPolicy": "Never",
        "shareProcessNamespace": True,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": contexts["pod"],
        "containers": [_tests(spec, options, secrets), _reports(options, contexts)],
        "volumes": [
            {"name": REPORTS, "emptyDir": {"sizeLimit": _VOLUME_LIMIT}},
            *templates.secret_volumes(secrets),
        ],
    }
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.name,
        "metadata": {"name": name(spec.suite), "labels": marked},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": spec.timeout + MARGIN,
            "ttlSecondsAfterFinished": 3600,
            "template": {"metadata": {"labels": marked}, "spec": pod},
        },
    }


def _tests(spec: TestSpec, options: KubernetesOptions, secrets: dict[str, Any]) -> dict[str, Any]:
    folder, command = _report(spec)
    return {
        "name": TESTS,
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent",
        **({"command": command} if command else {}),
        "env": templates.container_env(spec.env, secrets),
        "resources": resources(spec.memory, options, spec.cpus),
        "securityContext": security(options)["container"],
        "volumeMounts": [{"name": REPORTS, "mountPath": folder}, *templates.secret_mounts(secrets)],
    }


def _report(spec: TestSpec) -> tuple[str, list[str]]:
    """Return the mount path of the shared folder, and the command.

    A report that is a single file may be next to the code, which a mount would hide. Then it is copied after
    the tests, which is possible only if the bot sets the command.
    """
    report = posixpath.normpath(spec.report)
    if not spec.command:
        return (posixpath.dirname(report) if is_report(report) else report), []
    command = templates.literal(spec.command)
    if is_report(report):
        return FOLDER, ["/bin/sh", "-c", _COPY, command, report]
    return report, ["/bin/sh", "-c", command]


def _reports(options: KubernetesOptions, contexts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": REPORTS,
        "image": options.collector,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", templates.literal(_COLLECT)],
        "resources": resources("64m", options),
        "securityContext": {
            **contexts["container"],
            # Any user but root: the collector's image sets no user.
            **({"runAsUser": 65534} if options.level == "restricted" else {}),
        },
        "volumeMounts": [{"name": REPORTS, "mountPath": FOLDER, "readOnly": True}],
    }
