"""Secrets of single services of a Compose file, which `.chatops.yml` names."""

import pytest

from bot.model.views import ConfigBroken
from tests.pipeline.compose.reading import OWN, pipeline, reading

COMPOSE = """\
services:
  web: {build: ., ports: [80], depends_on: [db]}
  db: {image: "postgres:16", environment: {POSTGRES_PASSWORD_FILE: /run/secrets/db-password}}
  My_Queue: {image: "rabbitmq:3"}
"""


def broken(services: str) -> tuple[str, int, int, str, str, str]:
    found = reading(COMPOSE, f"{OWN}services:\n  {services}\n")
    assert isinstance(found, ConfigBroken), found
    (only,) = found.problems
    return found.file, only.line, only.column, only.where, only.message.en, only.suggestion


def test_services_get_their_secrets_by_their_hostnames() -> None:
    services = "  db: {secrets: [db-password]}\n  my-queue: {secret_env: {RABBITMQ_DEFAULT_PASS: queue}}\n"
    found = pipeline(COMPOSE, f"{OWN}services:\n{services}").services
    assert found["db"].secrets == ("db-password",)
    assert found["db"].image == "postgres:16"
    assert found["db"].env == {"POSTGRES_PASSWORD_FILE": "/run/secrets/db-password"}
    assert found["my-queue"].secret_env == {"RABBITMQ_DEFAULT_PASS": "queue"}


def test_an_empty_section_changes_nothing() -> None:
    assert pipeline(COMPOSE, f"{OWN}services:\n  db:\n") == pipeline(COMPOSE)
    assert pipeline(COMPOSE, f"{OWN}services:\n") == pipeline(COMPOSE)


@pytest.mark.parametrize(
    ("services", "column", "where", "message", "guess"),
    [
        ("db: {image: x}", 8, "services.db.image", "Not allowed beside deploy.compose", ""),
        ("db: {secrets: [k], env: {A: b}}", 22, "services.db.env", "Not allowed beside deploy.compose", ""),
        ("my-queues: {secrets: [k]}", 3, "services.my-queues", "There is no such service.", "my-queue"),
        ("web: {secrets: [k]}", 3, "services.web", "This service is deployed: name its secrets", ""),
        ("db: {secrets: [A B]}", 18, "services.db.secrets.1", "Expected the name of a secret", ""),
        ("db: {secret_env: {PATH: k}}", 21, "services.db.secret_env.PATH", "This variable is set", ""),
    ],
)
def test_mistakes_have_their_place(services: str, column: int, where: str, message: str, guess: str) -> None:
    file, line, at, found, said, suggestion = broken(services)
    assert (file, line, at, found, suggestion) == (".chatops.yml", 3, column, where, guess)
    assert said.startswith(message)


def test_without_a_compose_file_a_service_needs_an_image() -> None:
    found = reading("", "services: {db: {secrets: [k]}}\n")
    assert isinstance(found, ConfigBroken)
    assert found.problems[0].message.en == "image is required for every service."
