"""Messages about problems in a Compose file, in both languages."""

from bot.model.text import Text

UNKNOWN = Text(
    "Unknown key: the Compose Specification has none of this name here.",
    "未知的键：Compose 规范在这里没有这个键",
)
ONE_FILE = Text("Not supported: write the services out in this file.", "不支持：请把服务直接写在这个文件中")
SECRETS = Text(
    "Not supported: a preview has no files of the host. Name secrets of the operator in .chatops.yml, under"
    " deploy.secrets or services.NAME.secrets.",
    "不支持：预览环境不能读取主机上的文件。机密由管理员提供，请在 .chatops.yml 的 deploy.secrets 或"
    " services.NAME.secrets 中指明",
)
CONFIGS = Text(
    "Not supported: mount the file with volumes, such as ./nginx.conf:/etc/nginx/nginx.conf.",
    "不支持：请用 volumes 挂载该文件，例如 ./nginx.conf:/etc/nginx/nginx.conf",
)
MODELS = Text("Not supported: a preview has no AI models.", "不支持：预览环境不提供 AI 模型")
PRIVILEGES = Text(
    "Not allowed: containers of previews have no further privileges or devices. Remove it.",
    "不允许：预览环境的容器没有额外的权限和设备，请删去",
)
NAMESPACES = Text(
    "Not allowed: each container has a network and processes of its own, and reaches the others by the names"
    " of their services. Remove it.",
    "不允许：每个容器有自己的网络和进程，按服务名互相访问，请删去",
)
OTHER_HOSTS = Text(
    "Not supported: a preview reaches only the services of this file. Remove it.",
    "不支持：预览环境只能访问此文件中的服务，请删去",
)
PROVIDER = Text("Not supported: run the service from an image.", "不支持：请用镜像运行这个服务")
POST_START = Text(
    "Not supported: make the command a part of the image's own start.",
    "不支持：请把这些命令写进镜像自己的启动命令",
)
SHARED = Text("Not supported: each container has volumes of its own.", "不支持：每个容器的卷相互独立")
CONTEXTS = Text(
    "Not supported: a build has the files of its context only.", "不支持：构建只能使用其上下文目录中的文件"
)
BUILD_SECRETS = Text(
    "Not supported: name secrets of the operator under build.secrets in .chatops.yml.",
    "不支持：机密请在 .chatops.yml 的 build.secrets 中指明，由管理员提供",
)
ADDRESS = Text(
    "Not supported: use the name of the service instead of an address.", "不支持：请用服务名代替 IP 地址"
)
EXTERNAL = Text(
    "Not supported: a preview has its own networks and volumes only. Remove it.",
    "不支持：预览环境只有自己的网络和卷，请删去",
)
DRIVER_OPTS = Text(
    "Not supported: a volume is an empty folder of the preview. Remove it.",
    "不支持：卷是预览环境中的一个空目录，请删去",
)

MERGE = Text("Expected an anchor of keys and values, such as *common.", "应为指向键值对的锚点，例如 *common")
SERVICES = Text("The file has no services.", "此文件中没有服务")
IMAGE_OR_BUILD = Text("Expected image or build.", "缺少 image 或 build")
SHAPE = Text("Not the kind of value that Compose expects here.", "值的类型与 Compose 规范不符")
PORT = Text("Expected a port such as 8000 or 8080:8000.", "应为端口，例如 8000 或 8080:8000")
COMMAND = Text("The quotes are never closed.", "引号未闭合")
NOT_EMPTY = Text("Must not be empty.", "不能为空")
PAIR = Text("Expected NAME=value.", "应为 名称=值 的形式")
DOCKERFILE = Text("Expected a Dockerfile inside of the build context.", "应为构建上下文内的 Dockerfile")
ENV_FILE = Text("Expected a file of this repository.", "应为本仓库内的文件")
BUILD_CONTEXT = Text("Expected a directory of this repository.", "应为本仓库内的目录")
COMPLETED = Text(
    "Not supported: only the deployed service waits for a command to end, in its own image. Move the command"
    " to deploy.setup in .chatops.yml.",
    "不支持：只有被部署的服务会等待命令结束，并且须在它自己的镜像中执行。请把命令移到 .chatops.yml 的"
    " deploy.setup 中",
)
CONDITION = Text("Expected service_started or service_healthy.", "应为 service_started 或 service_healthy")
HOST_PATH = Text(
    "Not allowed: a preview has no files of the host. For data use a named volume such as data:/var/lib/data,"
    " for files of the repository a path that begins with ./",
    "不允许：预览环境不能访问主机上的文件。数据请用命名卷，例如 data:/var/lib/data；"
    "仓库中的文件请用以 ./ 开头的路径",
)
VOLUME = Text(
    "Expected a volume such as data:/var/lib/data, or a path of this repository such as ./conf:/etc/conf.",
    "应为卷，例如 data:/var/lib/data，或仓库内的路径，例如 ./conf:/etc/conf",
)
ENDLESS = Text("The values are too long once variables are replaced.", "替换变量后的值过长")
NESTED = Text("Variables are nested too deeply.", "变量嵌套过深")
SYNTAX = Text(
    "Expected a variable such as ${NAME} or ${NAME:-default}; write $$ for a dollar sign.",
    "应为变量，例如 ${NAME} 或 ${NAME:-默认值}；美元符号请写成 $$",
)
NOT_CHOSEN = Text(
    "No service publishes ports, so it is not clear which one has the page: name it with deploy.service in"
    " .chatops.yml.",
    "没有服务声明 ports，无法判断由哪个服务提供页面：请在 .chatops.yml 中用 deploy.service 指明",
)
APP = Text(
    "The deployed service has this hostname here: rename this one, or deploy it with deploy.service: app in"
    " .chatops.yml.",
    "被部署的服务在这里使用这个主机名：请给此服务改名，或在 .chatops.yml 中用 deploy.service: app 部署它",
)
SAME_HOST = Text(
    "Another service has this name once _ and . become -.", "把 _ 和 . 换成 - 后与另一个服务同名"
)


def unset(name: str) -> Text:
    """Return the message for a variable without a value."""
    return Text(
        f"{name} has no value. Write a default such as ${{{name}:-…}}, or commit a value in .env; for a"
        f" variable of the container write $${name}.",
        f"{name} 没有值：请写默认值，例如 ${{{name}:-…}}，或在仓库的 .env 中赋值；"
        f"如指容器内的变量，请写 $${name}",
    )


def required(name: str, why: str) -> Text:
    """Return the message for a variable without a value, with what the file says about it."""
    return Text(f"{name} has no value in .env: {why}", f".env 中没有 {name} 的值：{why}")


def shared(name: str, others: str) -> Text:
    """Return the message for a volume that several services mount."""
    return Text(
        f"{name} is mounted by several services ({others}), but each has volumes of its own here.",
        f"{name} 被多个服务（{others}）挂载，但这里每个服务的卷相互独立",
    )


def outside_context(source: str, context: str) -> Text:
    """Return the message for files of the repository that a build cannot copy."""
    return Text(
        f"{source} is outside of the build context {context}: for files of the repository, use a context that"
        " contains them; for data, a named volume.",
        f"{source} 不在构建上下文 {context} 内：仓库中的文件请改用包含它的上下文，数据请用命名卷",
    )
