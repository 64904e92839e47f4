"""Who may use a command: rules of the operator by level, by name and by OWNERS."""

from pathlib import Path

from bot.settings.load import load
from tests.dialogue.offline import OfflineTester

IDLE = (
    "version: 1\non: {open: [], update: [], close: []}\n"
    "deploy: {environments: {staging: {}, production: {}}}\n"
)


async def governed(tester: OfflineTester, tmp_path: Path, rules: str, config: str = IDLE) -> None:
    """Restart the bot with these permissions, as an operator writes them, and open a pull request."""
    file = tmp_path / "permissions.toml"
    file.write_text(rules)
    await tester.configure(config)
    await tester.restart(permissions=load(file, {}).permissions)
    await tester.open()


async def test_a_named_person_may_without_write_access(tester: OfflineTester, tmp_path: Path) -> None:
    await governed(tester, tmp_path, '[permissions]\nbuild = ["@Stranger", "admin"]\n')
    assert "Image built" in await tester.says("/build", by="stranger")
    assert "mei may not run this command; it is for repository administrators or `Stranger`." in (
        await tester.says("/build", by="mei")
    )
