"""The Secrets of the parts of an environment: what is in them, and what templates may know of them."""

import base64

from bot.core.naming import LABEL_ATTEMPT, LABEL_RUN
from bot.model.secrets import SecretValue
from bot.runners.kubernetes.pure.part_secrets import PREFIX, body, name, reference

LABELS = {LABEL_RUN: "7", LABEL_ATTEMPT: "2", "chatops.pull": "x"}
FILE = SecretValue("token", b"hunter2-9f86d081\n")
VARIABLE = SecretValue("token", b"hunter2-9f86d081\n", "TOKEN")


def test_a_secret_is_named_after_its_part_and_one_attempt_of_a_run() -> None:
    assert name("services.db", [FILE], LABELS) == "chatops-secrets.services.db.7-2"
    assert name("deploy", [FILE], {}) == "chatops-secrets.deploy.0-0"
    assert name("deploy", [FILE], LABELS).startswith(PREFIX)
    assert name("deploy", [], LABELS) == ""


def test_a_secret_holds_files_as_they_are_and_variables_without_their_line_end() -> None:
    found = body("test", [FILE, VARIABLE], LABELS)

    assert {key: base64.b64decode(value) for key, value in found["data"].items()} == {
        "token": b"hunter2-9f86d081\n",
        "TOKEN": b"hunter2-9f86d081",
    }
    assert found["metadata"] == {
        "name": "chatops-secrets.test.7-2",
        "labels": {**LABELS, "chatops.role": "secrets", "chatops.part": "test"},
    }
    assert found["type"] == "Opaque"


def test_a_variable_named_like_a_file_has_another_key() -> None:
    other = SecretValue("other", b"correct-horse", "token")

    assert body("deploy", [FILE, other], LABELS)["data"].keys() == {"token", "token.ENV"}
    assert reference("deploy", [FILE, other], LABELS)["variables"] == {"token": "token.ENV"}


def test_templates_know_names_and_no_value() -> None:
    assert reference("deploy", [FILE, VARIABLE], LABELS) == {
        "name": "chatops-secrets.deploy.7-2",
        "files": ["token"],
        "variables": {"TOKEN": "TOKEN"},
    }
    assert reference("deploy", [], LABELS) == {"name": "", "files": [], "variables": {}}
