"""Generates the reference of the settings: `python -m tools.settings_reference docs`."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bot.model.text import Language, Text
from bot.settings.environment import variable_of
from bot.settings.model import Secret, Settings
from bot.settings.shape import FILE_SUFFIX, Key, keys
from tools.settings_zh import WORDS

FILES = {Language.EN: "configuration.md", Language.ZH: "configuration.zh.md"}

EXAMPLE: Mapping[str, Mapping[str, object]] = {
    "server": {"public_url": "https://chatops.example.com", "data_dir": "/srv/chatops"},
    "gitee": {
        "token_file": "/run/secrets/gitee_token",
        "webhook_secret_file": "/run/secrets/gitee_webhook",
        "webhook_mode": "sign",
    },
    "repos": {"allow": ["my-org/*", "!my-org/legacy"]},
    "registry": {
        "kind": "harbor",
        "url": "https://harbor.example.com",
        "project": "previews",
        "username": "robot$chatops",
        "password_file": "/run/secrets/registry_password",
    },
    "preview": {"domain": "preview.example.net", "scheme": "https"},
    "comments": {"language": "zh"},
    "permissions": {"test": "contributor", "deploy": "write", "deploy production": ["@lin", "owners"]},
}

_TITLE = Text(en="Configuration", zh="配置参考")
_INTRODUCTION = Text(
    en="""\
`chatops serve` reads `chatops.toml` in the working directory, or the file named by `--config`. All keys are
optional. With an unknown key or a wrong value the bot does not start, and reports the line.

- Every key can also be set by an environment variable `CHATOPS_SECTION__KEY`, such as `{variable}`, which
  overrides the file. Write lists with commas or as JSON; in command names, write `_` for `-`.
- Secrets (marked 🔑) can be read from a file: append `_file` to the name, such as `token_file` or
  `CHATOPS_GITEE__TOKEN_FILE`. `webhook_secret_file` contains one secret per line.
- Sizes are numbers with an optional unit `k`, `m` or `g`; durations are numbers with a unit `s`, `m`, `h`,
  `d` or `w`.
""",
    zh="""\
`chatops serve` 读取当前目录下的 `chatops.toml`，或由 `--config` 指定的文件。所有配置项都可以省略。
有未知的配置项或错误的值时，机器人不会启动，并指出所在的行。

- 每一项也可以用环境变量 `CHATOPS_段名__键名` 设置，例如 `{variable}`，环境变量优先于文件。
  列表用逗号分隔，或写成 JSON；命令名中的 `-` 写作 `_`。
- 密钥类配置（标有 🔑）可以改为从文件读取：在键名后加 `_file`，例如 `token_file` 或
  `CHATOPS_GITEE__TOKEN_FILE`。`webhook_secret_file` 每行一个密钥。
- 内存和存储的容量是数字，可带单位 `k`、`m` 或 `g`；时长是数字加单位 `s`、`m`、`h`、`d` 或 `w`。
""",
)
_EXAMPLE_TITLE = Text(en="Example", zh="示例")
_HEADER = Text(en="| key | default | values | meaning |", zh="| 配置项 | 默认值 | 取值 | 含义 |")
_TYPES = {
    "boolean": Text(en="true, false", zh="true、false"),
    "integer": Text(en="integer", zh="整数"),
    "number": Text(en="number", zh="数字"),
    "array": Text(en="list", zh="列表"),
    "string": Text(en="text", zh="文本"),
}


def reference(language: Language) -> str:
    """Return the whole page in Markdown."""
    introduction = _INTRODUCTION.say(language).format(variable=variable_of("gitee", "token"))
    parts = [f"# {_TITLE.say(language)}\n", introduction]
    parts += [f"## {_EXAMPLE_TITLE.say(language)}\n", f"```toml\n{example(language)}```\n"]
    parts += [_section(name, language) for name in keys()]
    return "\n".join(parts)


def example(language: Language) -> str:
    """Return an example `chatops.toml` in which each key is below its meaning."""
    return "\n".join("\n".join(_example_section(name, language)) + "\n" for name in EXAMPLE)


def meaning(name: str, language: Language) -> str:
    """Return the meaning of a section or key, by dotted name."""
    return WORDS[name] if language is Language.ZH else meanings()[name]


def meanings() -> Mapping[str, str]:
    """Return the English meaning of every section and key, by dotted name."""
    sections = _schema()["properties"].items()
    found = {name: _one_line(_resolved(each)["description"]) for name, each in sections}
    for section in keys():
        for key, each in _properties(section).items():
            found[f"{section}.{key}"] = _one_line(each["description"])
    return found


def write(folder: Path) -> None:
    """Write the pages of both languages."""
    for language, file in FILES.items():
        (folder / file).write_text(reference(language), encoding="utf-8")


@cache
def _schema() -> dict[str, Any]:
    return TypeAdapter(Settings).json_schema()


def _properties(section: str) -> dict[str, Any]:
    schema = _resolved(_schema()["properties"][section])
    for inner in schema.get("patternProperties", {}).values():
        schema = _resolved(inner)
    found: dict[str, Any] = schema.get("properties", {})
    return found


def _section(section: str, language: Language) -> str:
    lines = [f"## `[{section}]`", "", meaning(section, language), ""]
    if keys()[section]:
        lines += [_HEADER.say(language), "|---|---|---|---|"]
        lines += [_row(key, _properties(section)[key.name], language) for key in keys()[section].values()]
        lines.append("")
    return "\n".join(lines)


def _row(key: Key, schema: Mapping[str, Any], language: Language) -> str:
    mark = " 🔑" if key.secret else ""
    cells = (
        f"`{key.name}`{mark}",
        _default(key),
        _values(schema, language),
        meaning(f"{key.section}.{key.name}", language),
    )
    return f"| {' | '.join(cells)} |"


def _default(key: Key) -> str:
    value = _properties(key.section)[key.name].get("default")
    section = getattr(Settings(), key.section)
    if is_dataclass(section):
        value = getattr(section, key.name)
    if value in (None, "", ()) or (isinstance(value, Secret) and not value.get_secret_value()):
        return "–"
    return f"`{json.dumps(value, default=str)}`"


def _values(schema: Mapping[str, Any], language: Language) -> str:
    """Return the allowed values: the choices, or the type and its bounds."""
    chosen = _resolved(schema)
    if "enum" in chosen:
        return ", ".join(f"`{json.dumps(word)}`" for word in chosen["enum"])
    return f"{_TYPES[chosen['type']].say(language)} {_bounds(chosen)}".strip()


def _bounds(schema: Mapping[str, Any]) -> str:
    if "maximum" in schema:
        return f"{schema['minimum']}–{schema['maximum']}"
    if "exclusiveMinimum" in schema:
        return f"> {schema['exclusiveMinimum']:g}"
    return f"≥ {schema['minimum']}" if "minimum" in schema else ""


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Resolve references, and drop the null of optional values."""
    if "$ref" in schema:
        found: Mapping[str, Any] = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
        return found
    return next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)


def _example_section(section: str, language: Language) -> Iterator[str]:
    yield f"[{section}]"
    if not keys()[section]:
        yield f"# {meaning(section, language)}"
    for name, value in EXAMPLE[section].items():
        documented = f"{section}.{name.removesuffix(FILE_SUFFIX)}"
        if keys()[section]:
            yield f"# {meaning(documented, language)}"
        key = name if name.replace("_", "").isalnum() else json.dumps(name)
        yield f"{key} = {json.dumps(value, ensure_ascii=False)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
