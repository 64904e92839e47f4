"""Checks the database, and lists what the bot has given up. A running bot may have it open."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.model.delivery import GivenUpDelivery
from bot.model.errors import ChatOpsError
from bot.model.other_bot import OtherBot
from bot.model.reason import Reason
from bot.model.store_identity import StoreIdentity
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
_ONE_BOT = Text(
    en="Stop one of the two, or exclude the repository from its [repos] allow.",
    zh="请停掉其中一个，或在它的 [repos] allow 中排除该仓库。",
)
RECENT = timedelta(days=7)
"""How long other bots and restored backups are listed."""
MOST = 10
"""Deliveries that are listed."""


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check that a server answers. No finding contains the address, because it may hold a password."""
    url = options.settings.store_url
    try:
        if single_process(url):
            return [fine(en="SQLite, for one replica", zh="SQLite，单副本"), *await _records(url)]
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
        return [fine(en="PostgreSQL responds", zh="PostgreSQL 可以访问"), *await _records(url)]
    return [wrong(Text(en=f"the database: {trouble}", zh=f"数据库：{trouble}"), _ADVICE)]


async def _records(url: str) -> Sequence[Finding]:
    """Return notes on a restored backup, on other bots, and on the latest deliveries that were given up."""
    try:
        store = await Store.visit(url)
    except (RuntimeError, ChatOpsError):
        return ()  # there is no store of this version yet
    try:
        since = datetime.now(UTC) - RECENT
        restored = [one for one in (await store.identities.all())[:-1] if one.created_at >= since]
        others = await store.other_bots.since(since)
        given_up = await store.given_up.latest(MOST)
        return (*map(_restored, restored), *map(_other_bot, others), *map(_note, given_up))
    except ChatOpsError as error:
        return (note(Text(en=f"the records cannot be read: {error}", zh=f"无法读取记录：{error}")),)
    finally:
        await store.close()


def _restored(identity: StoreIdentity) -> Finding:
    at = f"{identity.created_at:%Y-%m-%d %H:%M} UTC"
    return note(
        Text(
            en=f"an older backup was restored; noticed at {at}, the store is {identity.id} since",
            zh=f"{at} 发现存储是从较早的备份恢复的，此后的标识为 {identity.id}",
        )
    )


def _other_bot(one: OtherBot) -> Finding:
    repo, name, account, url = one.repo, one.name, one.account, one.comment_url
    found = Text(
        en=f"another bot works in {repo}: {name} of the account {account} wrote {url}",
        zh=f"另一个机器人也在 {repo} 中工作：{name}（账号 {account}）发布了 {url}",
    )
    return note(found, _ONE_BOT)


def _note(one: GivenUpDelivery) -> Finding:
    what, at = f"{one.repo}!{one.number} {one.trigger}", f"{one.at:%Y-%m-%d %H:%M} UTC"
    found = Text(en=f"given up at {at}: {what}: {one.ending}", zh=f"{at} 放弃处理：{what}：{one.ending}")
    return note(found, _INVITE if one.ending.startswith(Reason.REPOSITORY_INVISIBLE) else _SEND_AGAIN)
