"""Generates the reference of `.chatops.yml` as Markdown in both languages.

English comes from the docstrings of the model's fields. Chinese is below; a test checks its keys.
"""

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from bot.model.text import Language, Text
from bot.pipeline.checks import BOUNDS
from bot.pipeline.json_schema import descriptions
from bot.pipeline.shape import ANY_NAME, PipelineKey, entries
from tools.pipeline_sections import SECTIONS

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

_BUILD: Mapping[str, str] = {
    "runner": "构建使用的执行器。",
    "dockerfile": "Dockerfile 的路径，相对于 `context`。",
    "context": "用作构建上下文的目录。",
    "target": "要构建的阶段；默认为 `runtime`，不存在时取除 `test` 外的最后一个阶段。",
    "args": "构建参数。其值会保留在镜像中，不能包含密钥。",
    "inline": "Dockerfile 的内容，例如 `FROM nginx:1.27`，用来代替 `dockerfile`。",
    "files": "最后复制到镜像中的文件和目录：键为镜像内的路径，值为 `context` 中的路径。",
    "secrets": "管理员的机密，供 `RUN --mount=type=secret,id=NAME` 使用；除非被复制，否则不进入镜像。",
    "paths": "文件匹配模式，从仓库根目录算起。PR 中匹配的文件、Dockerfile 和本段都未改动时，沿用已有镜像；"
    "`/build` 总是重新构建。",
    "timeout": "构建超时时间（秒）。",
    "job": "`runner: jenkins` 时要运行的任务，例如 `folder/build-image` 或 `shop/PR-{number}`。",
    "parameters": "除 `CHATOPS_…` 之外传给任务的参数；`{sha}` 等占位符会被替换。",
    "artifacts": "从任务的哪些归档文件读取镜像信息。",
}

CHINESE: Mapping[str, str] = {
    "version": "文件格式的版本。",
    "on": "自动执行的命令。",
    "on.open": "PR 创建或重新打开时执行的命令。",
    "on.update": "PR 有新提交推送时执行的命令。",
    "on.close": "PR 关闭或合并时执行的命令。",
    "on.drafts": "草稿是否也自动执行命令；默认等到标记为就绪时再执行。",
    "build": "如何构建镜像。同一 Gitee 上的子模块和 Git LFS 中的文件都会获取。",
    **{f"build.{key}": meaning for key, meaning in _BUILD.items()},
    "ref": "构建、部署和测试的内容：`head` 是 PR 的最新提交，`merge` 是它与目标分支的合并结果。",
    "images": "有多个镜像时，按名称写明如何构建每个镜像，用来代替 `build`。",
    **{f"images.NAME.{key}": meaning for key, meaning in _BUILD.items()},
    "deploy": "如何部署服务。",
    "deploy.runner": "部署使用的执行器。",
    "deploy.enabled": "本仓库是否有需要部署的服务。",
    "deploy.compose": "描述镜像和服务的 Compose 文件，例如 `docker-compose.yml`，用来代替这些配置。",
    "deploy.service": "使用 `compose` 时部署其中的哪个服务；默认为声明了端口的服务。",
    "deploy.image": "服务运行 `images` 中的哪一个；有多个镜像时必填。",
    "deploy.port": "服务监听的端口；默认依次取镜像 EXPOSE 的 80、8080、3000、8000、5000，"
    "都没有时取第一个端口，443 和 8443 排在最后。",
    "deploy.command": "替换镜像自带的启动命令。",
    "deploy.entrypoint": "替换镜像的入口点；镜像自带的命令随之失效。",
    "deploy.working_dir": "替换镜像的工作目录。",
    "deploy.aliases": "除 `app` 之外，`services` 访问它时使用的主机名。",
    "deploy.env": "服务的环境变量。",
    "deploy.secrets": "管理员的机密，服务从文件 `/run/secrets/NAME` 读取。",
    "deploy.secret_env": "变量及其机密的名称；能使用 Docker Engine 的人都能看到这些值。",
    "deploy.health": "服务就绪的判定条件。",
    "deploy.health.path": "检查的 URL 路径，返回码须小于 400；默认用镜像的 HEALTHCHECK；没有 HEALTHCHECK 时，"
    "有任何 HTTP 响应即算就绪。",
    "deploy.health.protocol": "不使用 HTTP 的服务设为 `tcp`，端口打开即算就绪。",
    "deploy.health.timeout": "等待服务就绪的最长时间（秒）。",
    "deploy.data": "设为 `keep` 时，各服务 `volumes` 中的数据在重新部署后保留，直到 `/reset` 或环境被清理。",
    "deploy.setup": "服务启动前依次执行的 shell 命令，在服务的镜像中运行，例如数据库迁移、示例数据。",
    "deploy.setup.N.run": "shell 命令。必填。",
    "deploy.setup.N.service": "在 `services` 中哪一项的镜像中执行；默认为被部署服务的镜像。",
    "deploy.setup.N.when": "设为 `fresh` 时只在数据为新建时执行，见 `deploy.data`。",
    "deploy.setup_timeout": "`setup` 每条命令的超时时间（秒）。",
    "deploy.ttl": "预览环境的保留时间，每次部署后重新计算。",
    "deploy.restricted": "服务是否以受限方式运行：没有 capability，并且只能写 `/tmp` 和自己的卷；"
    "管理员可以强制要求。",
    "deploy.memory": "服务以及 `services` 中每个容器的内存上限，例如 `512m`；不能超过管理员设定的上限。",
    "deploy.environments": "供 `/deploy NAME` 使用的命名环境。",
    "deploy.environments.NAME.env": "在 `deploy.env` 之外追加的环境变量。",
    "deploy.environments.NAME.secrets": "在 `deploy.secrets` 之外追加的机密。",
    "deploy.environments.NAME.secret_env": "在 `deploy.secret_env` 之外追加的变量。",
    "deploy.environments.NAME.ttl": "保留时间，例如 `3d` 或 `8h`；默认与 `deploy.ttl` 相同。",
    "deploy.manifests": "`runner: kubernetes` 时使用的清单目录（Jinja2 模板）；默认使用内置清单。",
    "deploy.chart": "`runner: kubernetes` 时使用的 Helm Chart 目录，或管理员允许的 Chart 地址。",
    "deploy.values": "Chart 的值，键为路径，例如 `web.replicas`；`{host}` 等占位符会被替换。",
    "deploy.replace": "是否先移除原有部署再启动新的。默认情况下，原有部署会一直响应到新部署就绪。",
    "deploy.job": "`runner: jenkins` 时要运行的任务；服务地址以任务返回的为准。",
    "deploy.parameters": "除 `CHATOPS_…` 之外传给任务的参数；占位符会被替换。",
    "deploy.artifacts": "从任务的哪些归档文件读取服务地址。",
    "deploy.timeout": "任务超时时间（秒）；其他执行器使用 `health.timeout`。",
    "test": "如何运行自动化测试。",
    "test.runner": "测试使用的执行器。",
    "test.target": "要构建并运行的 Dockerfile 阶段；`null` 表示直接使用 `test.image` 指定的镜像。",
    "test.command": "运行测试的 shell 命令；默认使用该阶段自己的 CMD 或 ENTRYPOINT。",
    "test.suites": "测试套件的名称及其 shell 命令，供 `/test NAME` 使用；默认只有一个 `default`。",
    "test.env": "在 SERVICE_URL、JUNIT_PATH 和 CHATOPS_FAILED_TESTS 之外追加的环境变量。",
    "test.secrets": "管理员的机密，测试从文件 `/run/secrets/NAME` 读取。",
    "test.secret_env": "变量及其机密的名称；能使用 Docker Engine 的人都能看到这些值。",
    "test.image": "测试在 `images` 的哪一个镜像中；默认为服务运行的镜像。",
    "test.report": "容器内存放测试结果（如 JUnit XML）的目录或文件；其中的 HTML 报告会附上链接。",
    "test.timeout": "单个测试套件的超时时间（秒）。",
    "test.memory": "单个测试套件的内存上限，例如 `2g`；最大值由管理员设定。",
    "test.cpu": "单个测试套件的 CPU 数，例如 `2` 或 `0.5`；默认值和最大值由管理员设定。",
    "test.job": "`runner: jenkins` 时要运行的任务；以任务中 `junit` 步骤发布的结果作为测试报告。",
    "test.parameters": "除 `CHATOPS_…` 之外传给任务的参数；占位符会被替换。",
    "test.artifacts": "任务未发布测试结果时，把哪些归档文件当作测试结果读取。",
    "teardown": "清理环境时的附加步骤。",
    "teardown.runner": "填 `jenkins` 时会另外运行一个任务；无论是否填写，环境都由部署它的执行器清理。",
    "teardown.job": "清理单个环境的任务。",
    "teardown.parameters": "除 `CHATOPS_…` 之外传给任务的参数；占位符会被替换。",
    "teardown.timeout": "任务超时时间（秒）。",
    "services": "服务依赖的容器，键为服务访问它们时使用的主机名。",
    "services.NAME.image": "要运行的镜像，或 `images` 中的名称。必填。",
    "services.NAME.env": "容器的环境变量。",
    "services.NAME.secrets": "管理员的机密，容器从文件 `/run/secrets/NAME` 读取。",
    "services.NAME.secret_env": "变量及其机密的名称；能使用 Docker Engine 的人都能看到这些值。",
    "services.NAME.command": "替换镜像自带的命令。",
    "services.NAME.entrypoint": "替换镜像的入口点；镜像自带的命令随之失效。",
    "services.NAME.working_dir": "替换镜像的工作目录。",
    "services.NAME.aliases": "其他容器访问它时使用的更多主机名。",
    "services.NAME.port": "该端口打开后，依赖它的容器才会启动；被部署的服务依赖所有容器。",
    "services.NAME.public": "访问者能否通过 HTTP 访问它的 `port`：`true` 表示使用自己的域名，"
    "URL 路径（例如 `/api`）表示使用预览域名下的这个路径。",
    "services.NAME.health": "端口打开还不够时，容器就绪的判定条件。",
    "services.NAME.health.path": "检查 `port` 上的 URL 路径，`deploy.health.timeout` 内返回码须小于 400。",
    "services.NAME.health.command": "在容器中执行的命令，须以 0 退出，用来代替 `path`。",
    "services.NAME.depends_on": "`services` 中必须先就绪的其他容器；不填写时各容器同时启动。",
    "services.NAME.volumes": "存放数据的目录，例如 `/var/lib/data`，不在根文件系统中；参见 `deploy.data`。",
    "services.NAME.files": "启动前复制到容器中的文件和目录，取自提交：键为容器内的路径，值为仓库中的路径。",
    "services.NAME.memory": "内存上限，例如 `1g`；默认与 `deploy.memory` 相同，最大值由管理员设定。",
    "paths": "哪些文件的改动会触发自动执行。",
    "paths.include": "至少有一个改动的文件匹配其中之一才会触发。",
    "paths.ignore": "忽略匹配的文件，对整个 PR 和每次推送都生效。",
    "language": "评论使用的语言；默认由管理员设定。",
}

_TITLE = Text(".chatops.yml", ".chatops.yml 配置参考")
_INTRODUCTION = Text(
    "This file configures how the bot builds, deploys and tests pull requests. It is in the root of the "
    "repository. The bot never reads it from the pull request, so a change takes effect when it is merged. "
    "The file of the base branch counts if that is the default branch or a protected branch, otherwise the "
    "file of the default branch ([why](trust.md#configuration)). Without the file, a "
    "[Compose file](compose.md) counts if there is one and no Dockerfile, and otherwise the defaults below. "
    "Editors can validate and complete the file with "
    "[pipeline.schema.json](pipeline.schema.json). If a key is unknown or a value is invalid, the bot "
    "comments on the pull request with the line and column. [Recipes](recipes.md) show whole repositories.",
    "此文件配置机器人如何构建、部署和测试 Pull Request（PR）。它位于仓库根目录，从不取自 PR 本身："
    "在 PR 中修改此文件，合并后才会生效。目标分支是默认分支或受保护分支时，以目标分支上的版本为准，"
    "否则以默认分支上的版本为准（[原因](trust.zh.md#配置文件)）。没有此文件时，如果有 "
    "[Compose 文件](compose.zh.md)而没有 Dockerfile，则使用该文件，否则使用下列默认值。编辑器可通过 "
    "[pipeline.schema.json](pipeline.schema.json) 校验和补全。如有未知的键或无效的值，机器人会在 PR 下评论，"
    "指出行号和列号。完整的仓库见[配置实例](recipes.zh.md)。",
)
_EXAMPLE = Text("## Example", "## 示例")
_KEYS = Text("## Keys", "## 全部配置项")
_HEADER = Text("| Key | Value | Default | Meaning |", "| 键 | 取值 | 默认值 | 含义 |")
_KINDS: Mapping[Any, Text] = {
    str: Text("text", "文本"),
    int: Text("whole number", "整数"),
    bool: Text("true or false", "true 或 false"),
    tuple: Text("list of texts", "文本列表"),
    UnionType: Text("true, false or text", "true、false 或文本"),
}
_COMMANDS = Text("list of texts or of keys below", "文本或见下的列表")
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
        *(section.say(language) for section in SECTIONS),
    )
    return "\n\n".join(parts) + "\n"


def _row(key: PipelineKey, english: Mapping[tuple[str, str], str], language: Language) -> str:
    name = ".".join(key.path)
    meaning = CHINESE[name] if language is Language.ZH else english[key.owner.__name__, key.path[-1]]
    default = "" if key.section or key.default == "" else f"`{_flow(key.default)}`"
    plain = meaning.replace("\n", " ")  # a line break would end the table
    return f"| `{name}` | {_kind(key, language)} | {default} | {plain} |"


def _kind(key: PipelineKey, language: Language) -> str:
    kind = next((each for each in get_args(key.kind) if NoneType in get_args(key.kind)), key.kind)
    if key.section:
        return (_MAPPING if get_args(kind)[1:] == (str,) else _SECTION).say(language)
    values = get_args(kind) if get_origin(kind) is Literal else ()
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        values = tuple(kind)
    if values:
        return " / ".join(f"`{value}`" for value in values)
    if get_origin(kind) is tuple and is_dataclass(get_args(kind)[0]):
        return _COMMANDS.say(language)
    words = _KINDS[get_origin(kind) or kind].say(language)
    bounds = BOUNDS.get(tuple("*" if part == ANY_NAME else part for part in key.path))
    return f"{words} {bounds[0]}–{bounds[1]}" if bounds else words


def _flow(value: Any) -> str:
    """Return a default as it is written in the file."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_flow, value))}]"
    plain = isinstance(value, str) and not value.startswith("*")
    return str(value) if plain else json.dumps(value)
