"""Checks the database, and lists what the bot has given up. A running bot may have it open."""

from collections.abc import Iterator, Sequence

from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.model.delivery import GivenUpDelivery
from bot.model.errors import ChatOpsError
from bot.model.reason import Reason
from bot.model.text import Text
from bot.store.database import Database, single_process
from bot.store.records import Store

_ADVICE = Text(
    en="Check [store] url, that PostgreSQL is running, and that the bot's account can log in from here.",
    zh="请检查 [store] url，确认 PostgreSQL 正在运行，且机器人的账号可以从本机登录。",
)


_INVITE = Text(
    en="Invite the bot's account to the repository as a developer. The bot then continues by itself.",
    zh="请把机器人账号加为该仓库的开发者，之后机器人会自动继续处理。",
)
_SEND_AGAIN = Text(
    en="Send the webhook again from its page at Gitee, or comment the command again.",
    zh="请在 Gitee 的 Webhook 页面重新发送，或重新评论该命令。",
)
MOST = 10
"""Deliveries that are listed."""


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check that a server answers. No finding contains the address, because it may hold a password."""
    url = options.settings.store_url
    try:
        if single_process(url):
            return [fine(en="SQLite, for one replica", zh="SQLite，单副本"), *await _given_up(url)]
        database = Database(url, threads=1)
    except (ArgumentError, NoSuchModuleError):
        return [
            wrong(
                Text(en="[store] url is not the address of a database", zh="[store] url 不是数据库地址"),
                Text(
                    en="Use sqlite:////path/to/file.db or postgresql://user@host/name.",
                    zh="请写作 sqlite:////path/to/file.db 或 postgresql://user@host/name。",
                ),
            )
        ]
    trouble = await database.ping()
    await database.close()
    if trouble is None:
        return [fine(en="PostgreSQL responds", zh="PostgreSQL 可以访问"), *await _given_up(url)]
    return [wrong(Text(en=f"the database: {trouble}", zh=f"数据库：{trouble}"), _ADVICE)]


async def _given_up(url: str) -> Iterator[Finding]:
    """Return a note on each of the latest deliveries that were given up."""
    try:
        store = await Store.visit(url)
    except (RuntimeError, ChatOpsError):
        return iter(())  # there is no store of this version yet
    try:
        return map(_note, await store.given_up.latest(MOST))
    except ChatOpsError as error:
        return iter([note(Text(en=f"not readable: {error}", zh=f"无法读取：{error}"))])
    finally:
        await store.close()


def _note(one: GivenUpDelivery) -> Finding:
    what, at = f"{one.repo}!{one.number} {one.trigger}", f"{one.at:%Y-%m-%d %H:%M} UTC"
    found = Text(en=f"given up at {at}: {what}: {one.ending}", zh=f"{at} 放弃处理：{what}：{one.ending}")
    return note(found, _INVITE if one.ending.startswith(Reason.REPOSITORY_INVISIBLE) else _SEND_AGAIN)
