"""Messages about problems in `.chatops.yml`, in both languages; those of libraries are in English only."""

from bot.model.text import Text

TOO_LARGE = Text("The file is larger than 64 KiB.", "文件超过 64 KiB")
SECTION = Text("Expected keys with values.", "应为键值对")
LIST = Text("Expected a list such as [a, b].", "应为列表，例如 [a, b]")
TEXT = Text('Expected text; write "" for empty text.', '应为文本；空文本请写 ""')
NUMBER = Text("Expected a whole number.", "应为整数")
BOOLEAN = Text("Expected true or false.", "应为 true 或 false")
VERSION = Text("Expected 1, the only version of this format.", "应为 1，目前只有这一个版本")
INVALID = Text("Invalid value.", "值无效")
IMAGE_REQUIRED = Text("image is required for every service.", "每个服务都必须指定 image（镜像）")

DEPENDS_ON_ITSELF = Text("A service cannot depend on itself.", "服务不能依赖自身")
PUBLIC = Text(
    "Expected true, false or the URL path of this service, such as /api.",
    "应为 true、false 或此服务的 URL 路径，例如 /api",
)
PUBLIC_PORT = Text("public requires port.", "写了 public 就必须指定 port（端口）")
PUBLIC_OF_JOB = Text(
    "Not allowed with runner: jenkins; the job decides what is public.",
    "runner 为 jenkins 时不可用：对外开放哪些服务由任务决定",
)
PUBLIC_OF_CHART = Text(
    "Not allowed beside chart or manifests; make it a path of their Ingress.",
    "不能与 chart 或 manifests 同时使用：请写成其中 Ingress 的路径",
)
PATH_TAKEN = Text("Another service has this path.", "另一个服务已使用这个路径")
PORT_REQUIRED = Text("health.path requires port.", "写了 health.path 就必须指定 port（端口）")
IMAGE_NAME = Text(
    "Expected the name of an image: up to 40 lowercase letters, digits and hyphens.",
    "镜像的名称最长 40 个字符，只能由小写字母、数字和连字符组成",
)
BUILD_BESIDE_IMAGES = Text(
    "Not allowed beside images: make it an entry there.", "不能与 images 同时使用：请写成其中的一项"
)
IMAGE_NOT_CHOSEN = Text(
    "With several images, deploy.image must name the one that the service runs.",
    "有多个镜像时，须用 deploy.image 指明服务运行哪一个",
)
NO_IMAGES = Text("This file has no images.", "此文件中没有 images")
NOT_OF_IMAGES = Text(
    "Not allowed in images: a Jenkins job builds a single image, under build.",
    "不能用于 images：Jenkins 任务只构建一个镜像，请写在 build 中",
)
ONE_RUNNER = Text("The same runner must build all images.", "所有镜像必须由同一个 runner 构建")

COMPOSE_REQUIRED = Text("Only allowed with deploy.compose.", "仅在指定了 deploy.compose 时可用")
FILE_MISSING = Text("The commit has no such file.", "提交中没有这个文件")
BESIDE_COMPOSE = Text(
    "Not allowed beside deploy.compose: the Compose file says this.",
    "不能与 deploy.compose 同时使用：请写在 Compose 文件中",
)
SECRETS_OF_DEPLOYED = Text(
    "This service is deployed: name its secrets under deploy.", "被部署的是这个服务：机密请写在 deploy 中"
)
COMPOSE_OR_JENKINS = Text(
    "Not allowed beside deploy.compose: a Jenkins job knows no Compose file.",
    "不能与 deploy.compose 同时使用：Jenkins 任务不使用 Compose 文件",
)
INLINE_OR_FILE = Text(
    "An image has either inline or dockerfile; remove one.", "inline 和 dockerfile 只能写一个，请删去一个"
)
COPIED = Text(
    "Expected an absolute path in the image, such as /etc/nginx/nginx.conf, without quotes and variables.",
    "应为镜像内的绝对路径，例如 /etc/nginx/nginx.conf，不能包含引号和变量",
)
ALIAS = Text(
    "Expected a hostname: up to 63 letters, digits, dots, hyphens and underscores.",
    "应为主机名：字母、数字、点、连字符和下划线，最长 63 个字符",
)
ALIAS_TAKEN = Text("Another container has this hostname.", "另一个容器已使用这个主机名")
ALIAS_ON_KUBERNETES = Text(
    "Kubernetes has only hostnames of lowercase letters, digits and hyphens.",
    "Kubernetes 中的主机名只能由小写字母、数字和连字符组成",
)

PATH = Text(
    "Expected a path in the repository: relative, without ‘..’ and backslashes.",
    "应为仓库内的相对路径，不能是绝对路径，也不能包含 .. 或反斜杠",
)
CONTAINER_PATH = Text(
    "Expected an absolute path in the container, such as /reports.", "应为容器内的绝对路径，例如 /reports"
)
VOLUME = Text(
    "Expected a folder in the container, such as /var/lib/data; not /proc, /sys, /dev, /run or /tmp.",
    "应为容器内的目录，例如 /var/lib/data，不能是 /proc、/sys、/dev、/run 或 /tmp",
)
FILE_TARGET = Text(
    "Expected a path in the container, such as /docker-entrypoint-initdb.d; not in /proc, /sys, /dev, /tmp or"
    " /run/secrets.",
    "应为容器内的路径，例如 /docker-entrypoint-initdb.d，不能在 /proc、/sys、/dev、/tmp 或 /run/secrets 中",
)
FILE_TARGET_FIRST = Text(
    "The path in the container comes first, such as /docker-entrypoint-initdb.d: db/init.",
    "请先写容器内的路径，例如 /docker-entrypoint-initdb.d: db/init",
)
FILES_OF_IMAGE = Text(
    "This image is built here: name the files under images.NAME.files.",
    "这个镜像由此处构建：请把文件写在 images.NAME.files 中",
)
FILES_BESIDE_CHART = Text(
    "Not allowed beside chart, manifests or a job: they bring the files themselves.",
    "不能与 chart、manifests 或任务同时使用：文件请由它们自己提供",
)
CHART = Text(
    "Expected a directory in the repository, or an address that begins with oci:// or https://.",
    "应为仓库内的目录，或以 oci:// 或 https:// 开头的地址",
)
CHART_OR_MANIFESTS = Text(
    "A deployment has either chart or manifests; remove one.", "chart 和 manifests 只能写一个，请删去一个"
)
VALUE_PATH = Text(
    "Expected the path of a value, such as web.replicas or hosts[0].name.",
    "应为值的路径，例如 web.replicas 或 hosts[0].name",
)
URL_PATH = Text(
    "Expected a URL path that begins with /, such as /healthz.", "应为以 / 开头的 URL 路径，例如 /healthz"
)
IMAGE = Text("Expected an image name, such as postgres:16.", "应为镜像名，例如 postgres:16")
STAGE = Text("Expected the name of a Dockerfile stage.", "应为 Dockerfile 中的阶段名")
VARIABLE = Text(
    "Expected a variable name: up to 100 letters, digits and underscores, not beginning with a digit.",
    "变量名最长 100 个字符，只能由字母、数字和下划线组成，且不能以数字开头",
)
CONTAINER_VARIABLE = Text(
    "Expected a variable name: up to 100 letters, digits, dots, hyphens and underscores, not beginning with a"
    " digit.",
    "变量名最长 100 个字符，只能由字母、数字、点、连字符和下划线组成，且不能以数字开头",
)
OWN_VARIABLE = Text(
    "This variable is set by the bot or by the system; choose another.",
    "此变量由机器人或系统设置，请换一个",
)
SECRET = Text(
    "Expected the name of a secret: up to 63 lowercase letters, digits, dots, hyphens and underscores.",
    "机密名最长 63 个字符，只能由小写字母、数字、点、连字符和下划线组成",
)
SUITE = Text(
    "Expected the name of a test suite: up to 40 letters, digits, hyphens and underscores.",
    "测试套件名最长 40 个字符，只能由字母、数字、连字符和下划线组成",
)
HOST = Text(
    "Expected a hostname: up to 40 lowercase letters, digits and hyphens.",
    "应为主机名：小写字母、数字和连字符，最长 40 个字符",
)
RESERVED = Text("This name is reserved for the bot; choose another.", "此名称为机器人保留，请换一个")
MEMORY = Text(
    "Expected a memory size from 16m to 64g, such as 512m or 1g.",
    "应为 16m 到 64g 的内存大小，例如 512m 或 1g",
)
CPU = Text(
    "Expected a number of CPUs from 0.1 to 64, such as 2 or 0.5.",
    "应为 0.1 到 64 之间的 CPU 数，例如 2 或 0.5",
)
TTL = Text(
    "Expected a duration from 5 minutes to 30 days, such as 8h or 3d.",
    "应为 5 分钟到 30 天的时长，例如 8h 或 3d",
)
PATTERN = Text(
    "Expected a pattern of up to 200 characters, such as docs/ or **/*.md.",
    "应为路径模式，例如 docs/ 或 **/*.md，最长 200 个字符",
)
COMMAND = Text("Unknown command, or one that cannot run automatically.", "未知命令，或不能自动执行的命令")
EMPTY = Text("Must not be empty.", "不能为空")
NUL = Text("Must not contain the NUL character.", "不能包含 NUL 字符")
JOB = Text(
    "Expected the full name of a job, such as folder/build-image or shop/PR-{number}.",
    "应为任务的完整名称，例如 folder/build-image 或 shop/PR-{number}",
)
JOB_MISSING = Text("job is required with runner: jenkins.", "runner 为 jenkins 时必须指定 job")
NOT_JENKINS = Text("Only allowed with runner: jenkins.", "仅在 runner 为 jenkins 时可用")
PARAMETER = Text(
    "Expected a parameter name: up to 100 letters, digits, dots, hyphens and underscores.",
    "参数名最长 100 个字符，只能由字母、数字、点、连字符和下划线组成",
)
RESERVED_PARAMETER = Text(
    "Parameters that begin with CHATOPS_ are reserved for the bot.", "以 CHATOPS_ 开头的参数为机器人保留"
)
NOTHING_TO_SET_UP = Text(
    "There is nothing to set up: deploy.enabled is false.", "没有可初始化的服务：deploy.enabled 为 false"
)
MERGE_OF_JOB = Text(
    "Not allowed with build.runner: jenkins; the job itself can fetch refs/pull/{number}/MERGE.",
    "build.runner 为 jenkins 时不可用：请让任务自己获取 refs/pull/{number}/MERGE",
)
SETUP_OF_JOB = Text(
    "Not allowed with runner: jenkins; the job has to do this.", "runner 为 jenkins 时不可用：请由任务完成"
)
SETUP_OF_CHART = Text(
    "Not allowed beside chart or manifests; make it a hook of the chart, or a Job.",
    "不能与 chart 或 manifests 同时使用：请写成 Chart 的 hook，或清单中的 Job",
)
SETUP_COMMAND = Text(
    "Expected text or keys: the command, or run and service.", "应为文本或键值对：命令，或 run 和 service"
)
RUN_REQUIRED = Text("run is required: the command.", "必须写 run（命令）")
DATA_IS_FRESH = Text(
    "Only with deploy.data: keep; otherwise the data is new at every deployment.",
    "仅在 deploy.data 为 keep 时有意义：否则每次部署的数据都是新的",
)
DATA_OF_CHART = Text(
    "Not allowed beside chart, manifests or a job: they bring the volumes themselves.",
    "不能与 chart、manifests 或任务同时使用：存储卷请由它们自己提供",
)
NOTHING_TO_KEEP = Text(
    "There is no data to keep: name its folders under services.NAME.volumes.",
    "没有可保留的数据：请在 services.NAME.volumes 中写明数据目录",
)
LONG_VALUE = Text("At most 2000 characters are allowed.", "最多 2000 个字符")


def placeholder(name: str, known: tuple[str, ...]) -> Text:
    """Return the message for an unknown placeholder."""
    names = ", ".join(known)
    return Text(f"Unknown placeholder {{{name}}}. Known: {names}.", f"未知的占位符 {{{name}}}；可用：{names}")


def unknown_key(known: tuple[str, ...]) -> Text:
    """Return the message for an unknown key; `known` are the keys that exist there."""
    names = ", ".join(known)
    return Text(f"Unknown key. Known: {names}.", f"未知的键；可用：{names}")


def unknown_service(known: tuple[str, ...]) -> Text:
    """Return the message for a dependency that is not among the other services."""
    names = ", ".join(known) or "–"
    return Text(f"There is no such service. Others: {names}.", f"没有这个服务；其他服务：{names}")


def cycle(names: tuple[str, ...]) -> Text:
    """Return the message for services of which each depends on the next, and the last on the first."""
    way = " → ".join((*names, names[0]))
    return Text(f"These services wait for each other: {way}.", f"这些服务互相等待：{way}")


def one_of(values: tuple[str, ...]) -> Text:
    """Return the message for a value that is not one of these."""
    names = ", ".join(values)
    return Text(f"Expected one of: {names}.", f"应为以下之一：{names}")


def between(low: int, high: int) -> Text:
    """Return the message for a number outside its range."""
    return Text(f"Expected a number from {low} to {high}.", f"应为 {low} 到 {high} 之间的整数")


def above_maximum(most: str) -> Text:
    """Return the message for more than the operator allows."""
    return Text(f"The operator allows at most {most}.", f"管理员最多允许 {most}")


def at_most(count: int) -> Text:
    """Return the message for a list or mapping with too many entries."""
    return Text(f"At most {count} entries are allowed.", f"最多 {count} 项")
