"""Generates the table of all keys in the pages about Compose files; the rest is written by hand."""

from bot.model.text import Language, Text
from bot.pipeline.compose.keys import ANY, TABLES

_HEADER = Text("| Of | Used | Ignored | Refused |", "| 位置 | 使用 | 忽略 | 不支持 |")
_ROOT = Text("the file", "文件")


def completed(page: str, language: Language) -> str:
    """Return a page with the table at its end as it should be."""
    written = page.partition(_HEADER.say(language))[0]
    rows = (_row(path, language) for path in TABLES)
    return written + "\n".join((_HEADER.say(language), "|---|---|---|---|", *rows)) + "\n"


def _row(path: tuple[str, ...], language: Language) -> str:
    keys = TABLES[path]
    name = f"`{'.'.join(part if part != ANY else 'NAME' for part in path)}`" if path else _ROOT.say(language)
    lists = (sorted(keys.used), sorted(keys.ignored), sorted(keys.refused))
    return f"| {name} | {' | '.join(' '.join(f'`{key}`' for key in one) for one in lists)} |"
