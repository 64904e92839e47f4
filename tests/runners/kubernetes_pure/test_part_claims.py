"""Claims of volumes with data that outlives pods."""

import json

from bot.core.naming import LABEL_DATA
from bot.ports import ServiceSpec
from bot.runners.kubernetes import templates
from bot.runners.kubernetes.pure.part_claims import claim, folders
from tests.runners.kubernetes_samples import environment_of

SERVICES = (ServiceSpec("db", "d", volumes=("/a", "/b")), ServiceSpec("cache", "c", volumes=("/a",)))


def test_each_folder_of_a_deployment_that_keeps_data_has_a_claim() -> None:
    found = folders(environment_of(services=SERVICES, keeps_data=True))
    assert [(one.service, one.path) for one in found.values()] == [
        ("db", "/a"),
        ("db", "/b"),
        ("cache", "/a"),
    ]
    assert all(name == one.claim for name, one in found.items())
    assert folders(environment_of(services=SERVICES)) == {}


def test_a_claim_names_no_class_and_is_no_part_that_is_pruned() -> None:
    found = claim("data-db-1", "1Gi", {"chatops.run": "7", "chatops.role": "app"}, "trusted")
    assert str(found) == "PersistentVolumeClaim/data-db-1"
    assert found.body["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    labels = found.body["metadata"]["labels"]
    assert labels == {"chatops.run": "7", "chatops.role": "data", LABEL_DATA: "trusted"}


def test_a_pod_has_its_claim_or_an_empty_folder() -> None:
    secrets = {"name": "", "files": [], "variables": {}}
    data = [{"path": "/a", "size": "1Gi", "claim": "data-db-1"}, {"path": "/b", "size": "1Gi", "claim": ""}]
    assert json.loads(templates.volumes(secrets, data=data)) == [
        {"name": "data-0", "persistentVolumeClaim": {"claimName": "data-db-1"}},
        {"name": "data-1", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
