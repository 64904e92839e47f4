"""The users and the demo repositories of the playground."""

from dataclasses import dataclass
from pathlib import Path

from playground.demo_bases import offline
from playground.git_repositories import folder_files
from playground.server import OfflineGitee
from playground.state import Permission

HERE = Path(__file__).parent
NAME = "demo/guestbook"
SHOP = "demo/shop"
SHOP_FILES = HERE / "demo_shop"


@dataclass(frozen=True, slots=True)
class DemoRepository:
    """Names of the users and the repositories, and the bot's access token."""

    full_name: str
    maintainer: str
    developer: str
    stranger: str
    bot: str
    bot_token: str
    shop: str = SHOP
    """A repository with several services and a database."""


def ready_made_changes() -> dict[str, dict[str, bytes]]:
    """Return ready-made changes: `feature` fails its test, `fix` fixes it, `broken` does not build."""
    typo = (HERE / "demo" / "Dockerfile").read_bytes().replace(b"COPY guestbook ", b"COPY gusetbook ")
    folders = sorted((HERE / "demo_changes").iterdir())
    changes = {folder.name: folder_files(folder) for folder in folders if folder.is_dir()}
    return {**changes, "broken": {"Dockerfile": typo}}


def shop_changes() -> dict[str, dict[str, bytes]]:
    """Return changes of the shop: `spring` on its page, and `typo` in a worker that then does not start."""
    files = folder_files(SHOP_FILES)
    page, worker = files["web/page.html"], files["worker/worker.py"]
    return {
        "spring": {
            "web/page.html": page.replace("<h1>茶铺</h1>".encode(), "<h1>茶铺 · 春茶上新</h1>".encode())
        },
        "typo": {"worker/worker.py": worker.replace(b"import Store", b"import Stroe")},
    }


def offered_changes() -> dict[str, dict[str, dict[str, bytes]]]:
    """Return the ready-made changes of each repository."""
    return {NAME: ready_made_changes(), SHOP: shop_changes()}


async def seed_demo(gitee: OfflineGitee, *, jenkins: bool = False) -> DemoRepository:
    """Create the users lin (maintainer), mei (developer), stranger and chatops-bot, and the repositories.

    With `jenkins`, the guestbook is built and tested by Jenkins jobs.
    """
    gitee.add_user("mei", name="梅")
    gitee.add_user("lin", name="林")
    gitee.add_user("stranger", name="路人")
    token = gitee.add_user("chatops-bot", name="ChatOps Bot")
    members: dict[str, Permission] = {"lin": "admin", "mei": "write", "chatops-bot": "admin"}
    files = folder_files(HERE / "demo") | (folder_files(HERE / "demo_jenkins") if jenkins else {})
    await gitee.add_repository(NAME, files, members=members, name="留言簿")
    shop = offline(folder_files(SHOP_FILES))
    await gitee.add_repository(SHOP, shop, members=members, name="茶铺")
    return DemoRepository(NAME, "lin", "mei", "stranger", "chatops-bot", token)


async def open_first_pull(gitee: OfflineGitee, demo: DemoRepository) -> int:
    """Open the first pull request: a feature with a bug that one test detects."""
    change = ready_made_changes()["feature"]
    return await gitee.open_pull(
        demo.full_name, "feature", files=change, by=demo.developer, title="显示留言的时间"
    )


async def open_second_pull(gitee: OfflineGitee, demo: DemoRepository) -> int:
    """Open a pull request of the shop, which has several services and a database."""
    change = shop_changes()["spring"]
    return await gitee.open_pull(demo.shop, "spring", files=change, by=demo.developer, title="首页：春茶上新")
