"""Generates the reference of `.chatops.yml` as Markdown in both languages.

English comes from the docstrings of the model's fields. Chinese is below; a test checks its keys.
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
    "build": "如何构建镜像。获取同一 Gitee 上的子模块，不获取 Git LFS 中的文件。",
    **{f"build.{key}": meaning for key, meaning in _BUILD.items()},
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
    "deploy.setup": "服务启动前依次执行的 shell 命令，在服务的镜像中运行，例如数据库迁移、示例数据。",
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
    "deploy.replace": "是否先移除原有部署再启动新的。默认情况下，原有部署会一直响应到新部署就绪（Docker），"
    "或者就地升级（`runner: kubernetes`）。",
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
    "services.NAME.health": "端口打开还不够时，容器就绪的判定条件。",
    "services.NAME.health.path": "检查 `port` 上的 URL 路径，`deploy.health.timeout` 内返回码须小于 400。",
    "services.NAME.health.command": "在容器中执行的命令，须以 0 退出，用来代替 `path`。",
    "services.NAME.depends_on": "`services` 中必须先就绪的其他容器；不填写时各容器同时启动。",
    "services.NAME.volumes": "存放数据的目录，例如 `/var/lib/data`，不在根文件系统中；随容器一起删除。",
    "services.NAME.memory": "内存上限，例如 `1g`；默认与 `deploy.memory` 相同，最大值由管理员设定。",
    "paths": "哪些文件的改动会触发自动执行。",
    "paths.include": "至少有一个改动的文件匹配其中之一才会触发。",
    "paths.ignore": "忽略匹配的文件，对整个 PR 和每次推送都生效。",
    "language": "评论使用的语言；默认由管理员设定。",
}

_SEVERAL = Text(
    """\
## Several images

A repository with several images lists them under `images`, in place of `build`:

```yaml
images:
  web: {context: web}
  api: {context: api, target: prod}
deploy: {image: web, port: 8080}
services:
  worker: {image: api, command: [python3, worker.py]}
```

There can be up to 10, and the same runner builds all of them, also those that nothing uses. They are built
side by side, as many at a time as the operator's `[limits] builds_per_run` says. If one cannot be built, the
other builds stop, and the comment names it. In the registry, each image has a repository of
its own, such as `chatops/team/shop/api`.

`deploy.image` says which image the deployed service runs; with several images it is required. An entry of
`services` whose `image` is a name of `images` runs that image and is restricted like the deployed service.
Every other value is an image of a registry. Manifests and charts receive all images by name
([Kubernetes](kubernetes.md)).

`paths` says what an image is made of, by patterns as in `.gitignore` from the root of the repository:

```yaml
images:
  web: {context: web, paths: [web/, common/]}
  api: {context: api, target: prod, paths: [api/, common/]}
```

Such an image is not built again while no matching file differs, nor the Dockerfile, a `.dockerignore` or its
section of this file: the one of an earlier commit of the pull request is used, and the comment says of which.
Nothing is shared with other pull requests, nor between trusted and untrusted commits. Newer base images and
other values of secrets are not noticed; `/build` builds everything. Under `runner: jenkins`, `paths` has no
effect.""",
    """\
## 多个镜像

有多个镜像的仓库用 `images` 代替 `build`：

```yaml
images:
  web: {context: web}
  api: {context: api, target: prod}
deploy: {image: web, port: 8080}
services:
  worker: {image: api, command: [python3, worker.py]}
```

最多 10 个，由同一个执行器构建；没有被使用的镜像也会构建。各镜像同时构建，数量上限由管理员的
`[limits] builds_per_run` 决定。其中一个无法构建时，其余的构建随即停止，评论会指出失败的镜像。
每个镜像在镜像仓库中有各自的路径，例如 `chatops/team/shop/api`。

`deploy.image` 指明被部署的服务运行哪个镜像，有多个镜像时必填。`services` 中某一项的 `image` 是 `images`
中的名称时，运行的就是该镜像，受到的限制与被部署的服务相同；其他值都视为镜像仓库中的镜像。
清单和 Chart 可按名称使用所有镜像（[Kubernetes](kubernetes.zh.md)）。

`paths` 说明镜像由哪些文件构成，写法与 `.gitignore` 相同，从仓库根目录算起：

```yaml
images:
  web: {context: web, paths: [web/, common/]}
  api: {context: api, target: prod, paths: [api/, common/]}
```

匹配的文件、Dockerfile、`.dockerignore` 和此文件中的对应段落都没有变化时，不再构建这个镜像，而是沿用同一 PR
较早提交的镜像，评论会注明是哪个提交。不同的 PR 之间、受信任与不受信任的提交之间不共用镜像。
基础镜像的更新和机密的新值不会被察觉；`/build` 总是重新构建全部镜像。`runner: jenkins` 时，`paths`
不起作用。""",
)
_SETUP = Text(
    """\
## Preparing data

The commands of `deploy.setup` bring a database into the state that the service needs:

```yaml
services:
  db: {image: "postgres:16", port: 5432, env: {POSTGRES_PASSWORD: preview}}
deploy:
  env: {DATABASE_URL: "postgresql://postgres:preview@db/postgres"}
  setup:
    - python3 manage.py migrate
    - python3 manage.py loaddata examples.json
```

They run one after the other with `/bin/sh -c`, after all `services` are ready and before the service starts,
so that it never meets a database without its tables. Each has a container like that of the service, with its
image, variables, secrets, memory and restrictions. The files of this container are lost; what must be beside
the code, such as a SQLite file, has to be made by the service's own start.

The output is in the log of the deployment. If a command fails, or takes longer than `deploy.setup_timeout`,
the deployment ends, the comment names the command, and the former preview stays (on Docker, with memory
for both). A deployment that was interrupted runs the commands again, as every further deployment does: each
must also succeed after it has already run. On Kubernetes, each command is a Job; with a chart or manifests of
its own, a repository has hooks or Jobs instead.""",
    """\
## 初始化数据

`deploy.setup` 中的命令为服务准备数据库：

```yaml
services:
  db: {image: "postgres:16", port: 5432, env: {POSTGRES_PASSWORD: preview}}
deploy:
  env: {DATABASE_URL: "postgresql://postgres:preview@db/postgres"}
  setup:
    - python3 manage.py migrate
    - python3 manage.py loaddata examples.json
```

命令由 `/bin/sh -c` 依次执行，时间在全部 `services` 就绪之后、服务启动之前，因此服务启动时表已建好。
每条命令在各自的容器中运行，镜像、变量、机密、内存和限制都与服务相同。容器中的文件不会保留；
需要写在代码旁边的内容（例如 SQLite 文件）应放在服务自己的启动命令中。

输出写入部署日志。命令失败或超过 `deploy.setup_timeout` 时，部署终止，评论会指出是哪条命令；
原有的预览保持不变（Docker，且内存足够同时运行两者）。部署中断后重试，以及之后的每次部署，都会再次执行这些命令，
因此每条命令都必须能重复执行。在 Kubernetes 上，每条命令是一个 Job；
使用自己的 Chart 或清单时，请改用 hook 或 Job。""",
)
_TITLE = Text(".chatops.yml", ".chatops.yml 配置参考")
_INTRODUCTION = Text(
    "This file configures how the bot builds, deploys and tests pull requests. It is in the root of the "
    "repository. The bot never reads it from the pull request, so a change takes effect when it is merged. "
    "The file of the base branch counts if that is the default branch or a protected branch, otherwise the "
    "file of the default branch ([why](trust.md#configuration)). Without the file, a "
    "[Compose file](compose.md) counts if there is one and no Dockerfile, and otherwise the defaults below. "
    "Editors can validate and complete the file with "
    "[pipeline.schema.json](pipeline.schema.json). If a key is unknown or a value is invalid, the bot "
    "comments on the pull request with the line and column.",
    "此文件配置机器人如何构建、部署和测试 Pull Request（PR）。它位于仓库根目录，从不取自 PR 本身："
    "在 PR 中修改此文件，合并后才会生效。目标分支是默认分支或受保护分支时，以目标分支上的版本为准，"
    "否则以默认分支上的版本为准（[原因](trust.zh.md#配置文件)）。没有此文件时，如果有 "
    "[Compose 文件](compose.zh.md)而没有 Dockerfile，则使用该文件，否则使用下列默认值。编辑器可通过 "
    "[pipeline.schema.json](pipeline.schema.json) 校验和补全。如有未知的键或无效的值，机器人会在 PR 下评论，"
    "指出行号和列号。",
)
_EXAMPLE = Text("## Example", "## 示例")
_KEYS = Text("## Keys", "## 全部配置项")
_HEADER = Text("| Key | Value | Default | Meaning |", "| 键 | 取值 | 默认值 | 含义 |")
_RESULTS = Text(
    "## Test results\n"
    "\n"
    "A suite passes if it exits with code 0 and its results list no failure. The bot reads all "
    "`.xml` and `.trx` files in `test.report` in these formats: JUnit XML, NUnit 3, xUnit.net v2 "
    "and TRX. XML files of other kinds, such as coverage, change nothing; the comment names them "
    "if there are no results at all.\n"
    "\n"
    "| What a suite leaves | What it means |\n"
    "|---|---|\n"
    "| no results | the exit code decides |\n"
    "| results without a test that was executed | with exit code 0, the comment warns that no test "
    "ran; otherwise the suite failed |\n"
    "| a file that is empty, cut off or broken | the suite failed; the comment names the file, and "
    "the other files and the cases before the break count |\n"
    "| a test that failed, and passed later in the same file | with exit code 0 it is flaky, "
    "otherwise it failed |\n"
    "| a suite of JUnit XML with totals and without cases | its totals count |\n"
    "\n"
    "Without `test.command` and `test.suites`, the bot starts the image of the stage `test.target` "
    "only if the stage has a CMD or ENTRYPOINT of its own. Otherwise its RUN instructions are the "
    "tests: they ran while the stage was built, unless the build cache already had their results "
    "for the same files. A stage with neither tests nothing, and the comment says so.",
    "## 测试结果\n"
    "\n"
    "测试套件的退出码为 0，且结果中没有失败的用例，才算通过。机器人读取 `test.report` 中所有 "
    "`.xml` 和 `.trx` 文件，支持的格式有JUnit XML、NUnit 3、xUnit.net v2 和 TRX。其他 XML 文件（如"
    "覆盖率）不影响结论；完全没有测试结果时，评论会列出它们的名称。\n"
    "\n"
    "| 测试套件留下的内容 | 含义 |\n"
    "|---|---|\n"
    "| 没有结果 | 由退出码决定 |\n"
    "| 有结果，但没有执行过的用例 | 退出码为 0 时，评论提示没有运行任何测试；否则按失败处理 |\n"
    "| 空的、被截断的或损坏的文件 | 按失败处理；评论指出该文件，其他文件和断点之前的用例照常计入 |\n"
    "| 用例先失败，后来在同一个文件中通过 | 退出码为 0 时算作不稳定，否则算作失败 |\n"
    "| JUnit XML 的套件只有总数、没有用例 | 采用其总数 |\n"
    "\n"
    "没有设置 `test.command` 和 `test.suites` 时，只有 `test.target` 阶段自己写了 CMD 或 ENTRYPOINT"
    "，机器人才会启动它的镜像。否则，该阶段的 RUN 指令就是测试：它们在构建时已经运行，除非构建缓存"
    "中已有相同文件的结果。两者都没有的阶段没有测试任何内容，评论会说明这一点。",
)
_KINDS: Mapping[Any, Text] = {
    str: Text("text", "文本"),
    int: Text("whole number", "整数"),
    bool: Text("true or false", "true 或 false"),
    tuple: Text("list of texts", "文本列表"),
}
_SECTION = Text("keys below", "见下")
_MAPPING = Text("names and texts", "名称与文本")


_AUTOMATIC = Text(
    """## Automatic runs

Nothing runs automatically, and `/status` says why, while

- the pull request is a draft in Gitee, or its title begins with `WIP`, `[WIP]`, `Draft:` or `[Draft]`, unless
  `on.drafts` is true. Marking it as ready starts what was skipped;
- its title contains `[skip ci]` or `[ci skip]`;
- the message of its latest commit contains one of these;
- it changes only files that `paths` leaves out;
- the latest push changes only such files, and the run of the earlier commit is over.

Commands, and the teardown when a pull request is closed, are not affected. If Gitee does not list all changed
files, as with more than 300, the commands run.""",
    """## 自动运行

以下情况不会自动运行，`/status` 会说明原因：

- PR 在 Gitee 上是草稿，或标题以 `WIP`、`[WIP]`、`Draft:`、`[Draft]` 或 `草稿：` 开头。
  标记为就绪后会开始执行；`on.drafts` 为 true 时草稿也自动运行；
- 标题中有 `[skip ci]` 或 `[ci skip]`；
- 最新提交的说明中有上述标记；
- 只改动了 `paths` 排除的文件；
- 最近一次推送只改动了这类文件，并且之前提交的运行已经结束。

命令和 PR 关闭时的清理不受影响。如果 Gitee 没有列出所有改动的文件（例如超过 300 个），仍会自动运行。""",
)


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
        _SEVERAL.say(language),
        _SETUP.say(language),
        _RESULTS.say(language),
    )
    return "\n\n".join((*parts, _AUTOMATIC.say(language))) + "\n"


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
    """Return a default as it is written in the file."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_flow, value))}]"
    plain = isinstance(value, str) and not value.startswith("*")
    return str(value) if plain else json.dumps(value)
