"""The users and the demo repository of the playground."""

from dataclasses import dataclass
from pathlib import Path

from playground.git_repositories import folder_files
from playground.server import OfflineGitee
from playground.state import Permission

HERE = Path(__file__).parent
NAME = "demo/guestbook"


@dataclass(frozen=True, slots=True)
class DemoRepository:
    """Names of the users and the repository, and the bot's access token."""

    full_name: str
    maintainer: str
    developer: str
    stranger: str
    bot: str
    bot_token: str


def ready_made_changes() -> dict[str, dict[str, bytes]]:
    """Return ready-made changes: `feature` fails its test, `fix` fixes it, `broken` does not build."""
    typo = (HERE / "demo" / "Dockerfile").read_bytes().replace(b"COPY guestbook ", b"COPY gusetbook ")
    folders = sorted((HERE / "demo_changes").iterdir())
    changes = {folder.name: folder_files(folder) for folder in folders if folder.is_dir()}
    return {**changes, "broken": {"Dockerfile": typo}}


async def seed_demo(gitee: OfflineGitee, *, jenkins: bool = False) -> DemoRepository:
    """Create the users lin (maintainer), mei (developer), stranger and chatops-bot, and the demo repository.

    With `jenkins`, the repository is built and tested by Jenkins jobs.
    """
    gitee.add_user("mei", name="梅")
    gitee.add_user("lin", name="林")
    gitee.add_user("stranger", name="路人")
    token = gitee.add_user("chatops-bot", name="ChatOps Bot")
    members: dict[str, Permission] = {"lin": "admin", "mei": "write", "chatops-bot": "admin"}
    files = folder_files(HERE / "demo") | (folder_files(HERE / "demo_jenkins") if jenkins else {})
    await gitee.add_repository(NAME, files, members=members, name="留言簿")
    return DemoRepository(NAME, "lin", "mei", "stranger", "chatops-bot", token)


async def open_first_pull(gitee: OfflineGitee, demo: DemoRepository) -> int:
    """Open the first pull request: a feature with a bug that one test detects."""
    change = ready_made_changes()["feature"]
    return await gitee.open_pull(
        demo.full_name, "feature", files=change, by=demo.developer, title="显示留言的时间"
    )
