"""The sections of the reference of `.chatops.yml` below its table, in both languages."""

from bot.model.text import Text

SEVERAL = Text(
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

Until a matching file, the Dockerfile, a `.dockerignore` or its section of this file changes, such an image is
not built again: that of an earlier commit of the pull request is used, and the comment names this commit.
Nothing is shared with other pull requests, nor between trusted and untrusted commits. An image that
the registry no longer has is built again. Newer base images and other values of secrets are not noticed;
`/build` builds everything. Under `runner: jenkins`, `paths` has no
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
镜像仓库中已没有的镜像会重新构建。基础镜像的更新和机密的新值不会被察觉；`/build` 总是重新构建全部镜像。
`runner: jenkins` 时，`paths` 不起作用。""",
)
LFS = Text(
    """\
## Files in Git LFS

A build has the content of files in Git LFS if Gitee has it for the repository itself: the bot asks Gitee's
LFS server with its own account, without `git-lfs`. `.lfsconfig` is not read, and no other host is contacted.
There can be 1,000 such files, and no more bytes in all than the operator's `[limits] source_bytes`. The build
has the pointers of all others, and of those of submodules; the comment names them and says why.""",
    """\
## Git LFS 中的文件

Gitee 上有本仓库 Git LFS 文件的内容时，构建使用文件的真实内容：机器人用自己的账号访问 Gitee 的 LFS 服务，
无需安装 `git-lfs`。不读取 `.lfsconfig`，也不访问其他主机。最多 1000 个文件，总大小不超过管理员设置的
`[limits] source_bytes`。其余文件以及子模块中的文件在构建中只有指针，评论会列出这些文件和原因。""",
)
MERGE = Text(
    """\
## The merge result

With `ref: merge`, the bot builds, deploys and tests what the base branch would be after the pull request is
merged: the commit that Gitee offers as `refs/pull/N/MERGE`. The comment names both commits, and the image has
the tag of the merge. Approvals and trust are about the head, as always. If head and base branch conflict,
nothing is built, and the comment names the files.

A commit on the base branch starts nothing by itself, and what is deployed stays as it is. The next push,
`/build`, `/deploy` or `/test` builds the merge with what is then the latest commit of the base branch;
`/test` also deploys it first. `COMMIT_SHA` and `CHATOPS_SHA` are the head. Jenkins jobs that build have
to fetch `refs/pull/{number}/MERGE` themselves.""",
    """\
## 合并结果

`ref: merge` 表示构建、部署和测试合并之后的代码，即 Gitee 提供的 `refs/pull/N/MERGE`。
评论会写明合并的两个提交，镜像标签取自合并产生的提交。放行和信任仍然针对 PR 的最新提交。
与目标分支有冲突时不会构建，评论会列出冲突的文件。

目标分支有新提交时，不会自动开始任何操作，已部署的内容也不变。下一次推送、`/build`、`/deploy` 或 `/test`
会与目标分支当时的最新提交合并后构建；`/test` 还会先部署。`COMMIT_SHA` 和 `CHATOPS_SHA` 是 PR 的最新提交。
由 Jenkins 任务构建时，请让任务自己获取 `refs/pull/{number}/MERGE`。""",
)
PUBLIC = Text(
    """\
## Public services

Visitors reach the deployed service, and those of `services` that are public:

```yaml
services:
  api: {image: api, port: 9000, public: true}
  docs: {image: docs, port: 80, public: /docs}
  db: {image: "postgres:16", port: 5432}
```

With `true`, a service has a host of its own, such as `api--pr-12-shop.preview.example.net`. It is a
single label, which the wildcard record and certificate of the previews cover; long names are shortened
and get a hash, as do names of two letters. With a path, it answers at this path of the preview's own host
and below it, `/docs` and `/docs/install` but not `/docs2`; the path is passed on unchanged. A public
service is ready once it answers by HTTP. The comment, `/status`, the pages and the API show the address
of each.

The deployed service, the public ones and the tests find the addresses in `PUBLIC_URL` (that of the deployed
service) and in `PUBLIC_URL_API`, `PUBLIC_URL_DOCS` and so on; a page should call its API there, because
a visitor's browser does not know the hostname `api`. Visitors of the preview reach these services too;
nothing else in `services` can be reached from outside.""",
    """\
## 对外开放的服务

访问者可以访问被部署的服务，以及 `services` 中对外开放的服务：

```yaml
services:
  api: {image: api, port: 9000, public: true}
  docs: {image: docs, port: 80, public: /docs}
  db: {image: "postgres:16", port: 5432}
```

`true` 表示服务有自己的域名，例如 `api--pr-12-shop.preview.example.net`。它只有一级，预览环境的泛域名解析和
通配符证书同样适用；过长的名称会缩短并加上哈希，
只有两个字符的名称也会加上哈希。写路径时，服务使用预览域名下的这个路径及其下级：
`/docs` 和 `/docs/install` 属于它，`/docs2` 不属于；路径原样转发。对外开放的服务响应 HTTP 之后才算就绪。
评论、`/status`、页面和 API 都会显示各服务的地址。

被部署的服务、对外开放的服务和测试可以从环境变量得到这些地址：`PUBLIC_URL` 是被部署的服务，`PUBLIC_URL_API`、
`PUBLIC_URL_DOCS` 等是其他服务。网页应使用这些地址调用接口，因为访问者的浏览器不认识主机名 `api`。
能访问预览的人也能访问这些服务；`services` 中的其他服务都无法从外部访问。""",
)
FILES = Text(
    """\
## Files for services

`services.NAME.files` copies files and folders of the commit into a service from elsewhere before it starts,
such as the tables of a database or the configuration of a server:

```yaml
services:
  db:
    image: postgres:16
    port: 5432
    env: {POSTGRES_PASSWORD: preview}
    files: {/docker-entrypoint-initdb.d: db/init}
```

The key is the path in the container, the value the path in the repository. Other files of the image stay.
A service gets at most 100 files, and all services of a deployment together at most 16 MiB. On Kubernetes
each service gets at most 700 KiB, which is what fits into a ConfigMap, and the files are read-only. Links are
refused. Submodules, and what is in Git LFS, are not copied. If the commit has nothing at a
path, the log of the deployment says so.

The files are those of the deployed commit. If people without write access can have pushed it, they are those
of the base branch ([who is trusted](trust.md)): a service from elsewhere may do more than the code of a
stranger. Images that are built here have `images.NAME.files` instead.""",
    """\
## 服务的文件

`services.NAME.files` 在外部镜像的服务启动前，把提交中的文件和目录复制到容器中，
例如数据库的建表脚本、服务器的配置：

```yaml
services:
  db:
    image: postgres:16
    port: 5432
    env: {POSTGRES_PASSWORD: preview}
    files: {/docker-entrypoint-initdb.d: db/init}
```

键是容器内的路径，值是仓库中的路径。镜像中的其他文件保持不变。每个服务最多 100 个文件，
一次部署的所有服务合计不超过 16 MiB；在 Kubernetes 上每个服务不超过 700 KiB（一个 ConfigMap 能容纳的大小），
且文件只读。不接受符号链接，不复制子模块和 Git LFS 中的内容。提交中没有该路径时，部署日志会说明。

文件取自所部署的提交。如果该提交可能由没有写权限的人推送，则取自目标分支（[信任](trust.zh.md)）：
外部镜像的服务受到的限制少于陌生人的代码。由此处构建的镜像请改用 `images.NAME.files`。""",
)

SETUP = Text(
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

A command that needs the tools of another image names one of `services`, whose image, variables, secrets and
`files` it then has; not its volumes, which only the service itself uses, so it reaches it by its name:

```yaml
services:
  db:
    image: postgres:16
    port: 5432
    env: {POSTGRES_PASSWORD: preview, PGPASSWORD: preview}
    files: {/seed: db/seed}
deploy:
  setup:
    - {service: db, run: "psql -h db -U postgres < /seed/examples.sql"}
    - python3 manage.py migrate
```

The output is in the log of the deployment. If a command fails, or takes longer than `deploy.setup_timeout`,
the deployment ends, the comment names the command, and the former preview stays (if there is room
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

需要其他镜像中的工具时，命令可以指明 `services` 中的一项，使用它的镜像、变量、机密和 `files`；
数据卷只由该服务自己使用，因此命令须通过服务名访问它：

```yaml
services:
  db:
    image: postgres:16
    port: 5432
    env: {POSTGRES_PASSWORD: preview, PGPASSWORD: preview}
    files: {/seed: db/seed}
deploy:
  setup:
    - {service: db, run: "psql -h db -U postgres < /seed/examples.sql"}
    - python3 manage.py migrate
```

输出写入部署日志。命令失败或超过 `deploy.setup_timeout` 时，部署终止，评论会指出是哪条命令；
原有的预览保持不变（前提是资源足够同时运行两者）。部署中断后重试，以及之后的每次部署，都会再次执行这些命令，
因此每条命令都必须能重复执行。在 Kubernetes 上，每条命令是一个 Job；
使用自己的 Chart 或清单时，请改用 hook 或 Job。""",
)

DATA = Text(
    """\
## Keeping data

Every deployment begins with empty `volumes`. With `deploy.data: keep`, they stay, and the next deployment of
the same environment finds what the one before it has written:

```yaml
services:
  db:
    image: postgres:16
    port: 5432
    env: {POSTGRES_PASSWORD: preview}
    volumes: [/var/lib/postgresql/data]
deploy:
  data: keep
  setup:
    - python3 manage.py migrate
    - {run: python3 manage.py loaddata examples.json, when: fresh}
```

The commands of `setup` run at every deployment, so that a new commit can change the tables; those with
`when: fresh` run only if all of the data is new. What a deployment has begun and did not finish is not used.

No two deployments use the data at once, so each replaces the one before it; after a failure the preview is
down until the next deployment, and the data is still there. `/reset` deploys without it. It is deleted when
the environment is torn down or expires, and when the pull request is closed. It is never that of another pull
request, and a commit with [other trust](trust.md) begins without it; the log says so.

Docker keeps named volumes, Kubernetes PersistentVolumeClaims in the default StorageClass, which the cluster
must have.""",
    """\
## 保留数据

每次部署时 `volumes` 都是空的。设置 `deploy.data: keep` 后，数据会保留，同一环境的下一次部署可以继续使用：

```yaml
services:
  db:
    image: postgres:16
    port: 5432
    env: {POSTGRES_PASSWORD: preview}
    volumes: [/var/lib/postgresql/data]
deploy:
  data: keep
  setup:
    - python3 manage.py migrate
    - {run: python3 manage.py loaddata examples.json, when: fresh}
```

`setup` 中的命令每次部署都会执行，新提交因此可以修改表结构；带有 `when: fresh` 的命令
只在全部数据都是新建时执行。部署中途失败时，这次新建的数据不会被沿用。

两个部署不会同时使用同一份数据，因此新的部署会替换原有部署；部署失败后，预览在下一次部署之前不可用，
但数据仍在。`/reset` 从空数据重新部署。环境被清理或到期，或 PR 关闭时，数据随之删除。
不同的 PR 之间从不共用数据；提交的[受信任程度](trust.zh.md)不同时，也从空数据开始，部署日志会说明。

Docker 上保留的是命名卷；Kubernetes 上是默认 StorageClass 中的 PersistentVolumeClaim，
集群须有默认的 StorageClass。""",
)
RESULTS = Text(
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

AUTOMATIC = Text(
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

SECTIONS = (SEVERAL, LFS, MERGE, PUBLIC, FILES, SETUP, DATA, RESULTS, AUTOMATIC)
"""In the order of the page."""
