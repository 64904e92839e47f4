"""The reference of `.chatops.yml` as Markdown, in both languages, made from the model.

English comes from the field docstrings; Chinese stands here, and a test holds it to name every key.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from bot.model.text import Language, Text
from bot.pipeline.checks import BOUNDS
from bot.pipeline.json_schema import descriptions
from bot.pipeline.shape import ANY_NAME, PipelineKey, entries

EXAMPLE = """\
version: 1
language: zh

on:
  open: [build, deploy, test]
  update: [build, deploy, test]
  close: [teardown]

build:
  target: runtime
  args:
    APP_VERSION: "1.0"

services:
  db:
    image: postgres:16
    port: 5432
    env:
      POSTGRES_PASSWORD: preview

deploy:
  port: 8080
  env:
    DATABASE_URL: postgresql://postgres:preview@db/postgres
  health:
    path: /healthz
  ttl: 3d
  environments:
    staging:
      ttl: 8h

test:
  target: test
  suites:
    unit: pytest tests/unit --junitxml=$JUNIT_PATH
    e2e: pytest tests/e2e --junitxml=$JUNIT_PATH

paths:
  ignore: [docs/, "**/*.md"]
"""

CHINESE: Mapping[str, str] = {
    "version": "文件格式的版本。",
    "on": "哪些命令会自动执行。",
    "on.open": "PR 新建或重新打开时。",
    "on.update": "PR 有新提交推送时。",
    "on.close": "PR 关闭或合并时。",
    "build": "如何构建镜像。",
    "build.runner": "由谁构建。",
    "build.dockerfile": "Dockerfile 的路径，相对于 `build.context`。",
    "build.context": "作为构建上下文发送的目录。",
    "build.target": "要构建的阶段；默认取 `runtime`，没有则取最后一个不叫 `test` 的阶段。",
    "build.args": "构建参数。镜像里能看到它们的值，不要放密钥。",
    "build.timeout": "构建超过这么多秒即中止。",
    "build.job": "`runner: jenkins` 时执行构建的任务，例如 `folder/build-image` 或 `shop/PR-{number}`。",
    "build.parameters": "除 `CHATOPS_…` 之外传给任务的参数；其中的 `{sha}` 等占位符会被替换。",
    "build.artifacts": "到任务归档的哪些文件里读取镜像信息。",
    "deploy": "如何启动服务。",
    "deploy.runner": "由谁部署。",
    "deploy.enabled": "这个仓库有没有需要部署的服务。",
    "deploy.port": "服务监听的端口；默认取镜像 EXPOSE 的第一个端口。",
    "deploy.command": "替换镜像自带的启动命令。",
    "deploy.env": "服务的环境变量。",
    "deploy.health": "怎样才算就绪。",
    "deploy.health.path": "返回码须小于 400 的 URL 路径；默认看镜像的 HEALTHCHECK，没有则看端口是否打开。",
    "deploy.health.timeout": "最多等待多少秒。",
    "deploy.ttl": "没有新的部署时，预览环境保留多久。",
    "deploy.memory": "服务以及 `services` 中每个容器的内存上限，例如 `512m`；不会超过运维设定的上限。",
    "deploy.environments": "供 `/deploy NAME` 使用的其他环境。",
    "deploy.environments.NAME.env": "在 `deploy.env` 之外追加的环境变量。",
    "deploy.environments.NAME.ttl": "保留多久，例如 `3d` 或 `8h`。",
    "deploy.manifests": "Kubernetes 清单（Jinja2 模板）的目录，用于 `runner: kubernetes`；默认用自带的清单。",
    "deploy.chart": "Helm Chart 所在目录，或运维允许的 Chart 地址，用于 `runner: kubernetes`。",
    "deploy.values": "Chart 的值，键是路径，例如 `web.replicas`；`{host}` 等占位符会被替换。",
    "deploy.replace": "部署时是否先移除旧的再安装，而不是就地升级（`runner: kubernetes`）。",
    "deploy.job": "`runner: jenkins` 时执行部署的任务；服务地址以任务给出的为准。",
    "deploy.parameters": "除 `CHATOPS_…` 之外传给任务的参数；占位符会被替换。",
    "deploy.artifacts": "到任务归档的哪些文件里读取服务地址。",
    "deploy.timeout": "任务超过这么多秒即中止；其他执行方式看 `health.timeout`。",
    "test": "如何运行自动化测试。",
    "test.runner": "由谁测试。",
    "test.target": "要构建并运行的 Dockerfile 阶段；null 表示使用服务本身的镜像。",
    "test.command": "测试的 shell 命令；默认使用该阶段自带的命令。",
    "test.suites": "具名测试套件及其 shell 命令，供 `/test NAME` 使用；不写则只有一个 `default`。",
    "test.env": "在 SERVICE_URL、JUNIT_PATH 和 CHATOPS_FAILED_TESTS 之外追加的环境变量。",
    "test.report": "测试结束后，到容器内的这个目录（或文件）读取 JUnit XML；其中的 HTML 会链接在报告里。",
    "test.timeout": "一个套件超过这么多秒即中止。",
    "test.job": "`runner: jenkins` 时执行测试的任务；它用 `junit` 步骤发布的结果就是测试报告。",
    "test.parameters": "除 `CHATOPS_…` 之外传给任务的参数；占位符会被替换。",
    "test.artifacts": "任务没有发布测试结果时，把归档的哪些文件当作 JUnit XML 读取。",
    "teardown": "还由谁回收环境。",
    "teardown.runner": "填 `jenkins` 时会另外执行一个任务；默认由部署的一方回收。",
    "teardown.job": "回收一个环境的任务。",
    "teardown.parameters": "除 `CHATOPS_…` 之外传给任务的参数；占位符会被替换。",
    "teardown.timeout": "任务超过这么多秒即中止。",
    "services": "与服务一同启动的容器，键是服务访问它们时用的主机名。",
    "services.NAME.image": "要运行的镜像。必填。",
    "services.NAME.env": "它的环境变量。",
    "services.NAME.command": "替换镜像自带的命令。",
    "services.NAME.port": "启动服务之前必须已打开的端口。",
    "paths": "哪些改动值得自动执行。",
    "paths.include": "至少有一个改动的文件须匹配其中之一。",
    "paths.ignore": "匹配的文件不计入改动。",
    "language": "评论使用的语言；默认由运维设定。",
}

_TITLE = Text(".chatops.yml", ".chatops.yml 配置参考")
_INTRODUCTION = Text(
    "This file tells the bot how to build, deploy and test pull requests. It stands at the root of the "
    "repository and is always read from the base branch: a change in a pull request counts from the merge "
    "on. Without it, the defaults below hold. Editors check and complete it with "
    "[pipeline.schema.json](pipeline.schema.json). An unknown key or a wrong value is answered under the "
    "pull request with its line and column.",
    "这个文件告诉机器人如何构建、部署和测试 Pull Request。它放在仓库根目录，始终以目标分支上的版本为准："
    "PR 里对它的修改，合并之后才生效。没有这个文件时使用下列默认值。编辑器可以借助 "
    "[pipeline.schema.json](pipeline.schema.json) 检查和补全。写错的键或值会在 PR 下指出行号和列号。",
)
_EXAMPLE = Text("## Example", "## 示例")
_KEYS = Text("## Keys", "## 全部配置项")
_HEADER = Text("| Key | Value | Default | Meaning |", "| 键 | 取值 | 默认值 | 含义 |")
_KINDS: Mapping[Any, Text] = {
    str: Text("text", "文本"),
    int: Text("whole number", "整数"),
    bool: Text("true or false", "true 或 false"),
    tuple: Text("list of texts", "文本列表"),
}
_SECTION = Text("keys below", "见下")
_MAPPING = Text("names and texts", "名称与文本")


def reference(language: Language) -> str:
    """Return the whole page."""
    english = descriptions()
    parts = (
        f"# {_TITLE.say(language)}",
        _INTRODUCTION.say(language),
        _EXAMPLE.say(language),
        f"```yaml\n{EXAMPLE}```",
        _KEYS.say(language),
        "\n".join(
            (_HEADER.say(language), "|---|---|---|---|", *(_row(key, english, language) for key in entries()))
        ),
    )
    return "\n\n".join(parts) + "\n"


def _row(key: PipelineKey, english: Mapping[tuple[str, str], str], language: Language) -> str:
    name = ".".join(key.path)
    meaning = CHINESE[name] if language is Language.ZH else english[key.owner.__name__, key.path[-1]]
    default = "" if key.section or key.default == "" else f"`{_flow(key.default)}`"
    return f"| `{name}` | {_kind(key, language)} | {default} | {meaning} |"


def _kind(key: PipelineKey, language: Language) -> str:
    kind = next((each for each in get_args(key.kind) if NoneType in get_args(key.kind)), key.kind)
    if key.section:
        return (_MAPPING if get_args(kind)[1:] == (str,) else _SECTION).say(language)
    values = get_args(kind) if get_origin(kind) is Literal else ()
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        values = tuple(kind)
    if values:
        return " / ".join(f"`{value}`" for value in values)
    words = _KINDS[get_origin(kind) or kind].say(language)
    bounds = BOUNDS.get(tuple("*" if part == ANY_NAME else part for part in key.path))
    return f"{words} {bounds[0]}–{bounds[1]}" if bounds else words


def _flow(value: Any) -> str:
    """Write a default as one would in the file."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_flow, value))}]"
    plain = isinstance(value, str) and not value.startswith("*")
    return str(value) if plain else json.dumps(value)
