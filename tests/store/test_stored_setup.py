"""Setup commands as runs are stored, also those of earlier versions of the bot."""

from typing import Any

from pydantic import TypeAdapter

from bot.model.pipeline import DeployConfig, SetupCommand


def test_texts_that_an_earlier_version_has_stored_are_commands() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(DeployConfig)
    found = adapter.validate_python({"setup": ["migrate", {"run": "seed", "service": "db"}]})
    assert found.setup == (SetupCommand("migrate"), SetupCommand("seed", "db"))
    assert adapter.validate_python(adapter.dump_python(found, mode="json")) == found
