"""The database. A file of SQLite is left alone: a bot that runs has it open, and no other may."""

from collections.abc import Sequence

from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from bot.doctor.findings import Examined, Finding, fine, wrong
from bot.model.text import Text
from bot.store.database import Database, alone

_ADVICE = Text(
    en="Check [store] url, that PostgreSQL runs, and that the bot's account may log in from here.",
    zh="请检查 [store] url，确认 PostgreSQL 正在运行，且机器人的账号可以从本机登录。",
)


async def check(examined: Examined) -> Sequence[Finding]:
    """Ask a server whether it answers; words never repeat the address, which holds a password."""
    url = examined.settings.store_url
    try:
        if alone(url):
            return [fine(en="SQLite, for one replica", zh="SQLite，单副本")]
        database = Database(url, threads=1)
    except (ArgumentError, NoSuchModuleError):
        return [
            wrong(
                Text(en="[store] url is no database's address", zh="[store] url 不是数据库地址"),
                Text(
                    en="Write sqlite:////path/to/file.db or postgresql://user@host/name.",
                    zh="请写作 sqlite:////path/to/file.db 或 postgresql://user@host/name。",
                ),
            )
        ]
    trouble = await database.ping()
    await database.close()
    if trouble is None:
        return [fine(en="PostgreSQL answers", zh="PostgreSQL 可以访问")]
    return [wrong(Text(en=f"the database: {trouble}", zh=f"数据库：{trouble}"), _ADVICE)]
