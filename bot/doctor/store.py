"""Checks the database. A SQLite file is not opened, because only one process may: a running bot."""

from collections.abc import Sequence

from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from bot.doctor.findings import DoctorOptions, Finding, fine, wrong
from bot.model.text import Text
from bot.store.database import Database, single_process

_ADVICE = Text(
    en="Check [store] url, that PostgreSQL is running, and that the bot's account can log in from here.",
    zh="请检查 [store] url，确认 PostgreSQL 正在运行，且机器人的账号可以从本机登录。",
)


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check that a server answers. No finding contains the address, because it may hold a password."""
    url = options.settings.store_url
    try:
        if single_process(url):
            return [fine(en="SQLite, for one replica", zh="SQLite，单副本")]
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
        return [fine(en="PostgreSQL responds", zh="PostgreSQL 可以访问")]
    return [wrong(Text(en=f"the database: {trouble}", zh=f"数据库：{trouble}"), _ADVICE)]
