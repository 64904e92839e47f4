"""Files of the commit in a cluster: a ConfigMap and what mounts it."""

import json

from bot.ports import CopiedFile
from bot.runners.kubernetes import templates
from bot.runners.kubernetes.pure.part_files import config_map, reference

FILES = (CopiedFile("/init/1.sql", b"\xff1"), CopiedFile("/init/2.sh", b"2", executable=True))


def test_the_contents_are_bytes_under_plain_keys() -> None:
    found = config_map("db", FILES)
    assert str(found) == "ConfigMap/db-files"
    assert found.body["binaryData"] == {"file-0": "/zE=", "file-1": "Mg=="}


def test_each_file_is_mounted_alone_with_its_mode() -> None:
    files, secrets = reference("db", FILES), {"name": "", "files": [], "variables": {}}
    (volume,) = json.loads(templates.volumes(secrets, files=files))
    assert volume["configMap"] == {
        "name": "db-files",
        "items": [
            {"key": "file-0", "path": "file-0", "mode": 0o644},
            {"key": "file-1", "path": "file-1", "mode": 0o755},
        ],
    }
    mounts = json.loads(templates.mounts(secrets, files=files))
    assert [(one["mountPath"], one["subPath"], one["name"]) for one in mounts] == [
        ("/init/1.sql", "file-0", volume["name"]),
        ("/init/2.sh", "file-1", volume["name"]),
    ]
    assert json.loads(templates.volumes(secrets, files=reference("db", ()))) == []
