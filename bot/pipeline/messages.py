"""What `.chatops.yml` may have wrong, in both languages. Never a library's words: they know one language."""

from bot.model.text import Text

TOO_LARGE = Text("The file is larger than 64 KiB.", "文件超过 64 KiB")
SECTION = Text("Expected keys with values below this one.", "此处应为若干键值对")
LIST = Text("Expected a list such as [a, b].", "应为列表，例如 [a, b]")
TEXT = Text('Expected text; write "" for empty text.', '应为文本；空文本请写 ""')
NUMBER = Text("Expected a whole number.", "应为整数")
BOOLEAN = Text("Expected true or false.", "应为 true 或 false")
VERSION = Text("Expected 1: the only version of this format so far.", "应为 1，目前只有这一个格式版本")
INVALID = Text("This value is not valid here.", "此处的值无效")
IMAGE_REQUIRED = Text("A service needs an image.", "每个服务都要写 image（镜像）")

PATH = Text(
    "Expected a path inside the repository: not absolute, without ‘..’ or backslashes.",
    "应为仓库内的相对路径，不能是绝对路径，也不能包含 .. 或反斜杠",
)
CONTAINER_PATH = Text(
    "Expected an absolute path inside the container, such as /reports.", "应为容器内的绝对路径，例如 /reports"
)
CHART = Text(
    "Expected a folder of the repository, or an address that begins with oci:// or https://.",
    "应为仓库内的目录，或以 oci:// 或 https:// 开头的地址",
)
VALUE_PATH = Text(
    "Expected the path of a value, such as web.replicas or hosts[0].name.",
    "应为值的路径，例如 web.replicas 或 hosts[0].name",
)
URL_PATH = Text(
    "Expected a URL path that begins with /, such as /healthz.", "应为以 / 开头的 URL 路径，例如 /healthz"
)
IMAGE = Text("Expected the name of an image, such as postgres:16.", "应为镜像名，例如 postgres:16")
STAGE = Text("Expected the name of a stage of the Dockerfile.", "应为 Dockerfile 中的阶段名")
VARIABLE = Text(
    "Expected the name of a variable: at most 100 letters, digits and underscores, no digit in front.",
    "变量名最长 100 个字符，只能由字母、数字和下划线组成，且不能以数字开头",
)
SUITE = Text(
    "Expected the name of a suite: at most 40 letters, digits, hyphens and underscores.",
    "测试套件名最长 40 个字符，只能由字母、数字、连字符和下划线组成",
)
HOST = Text(
    "Expected a host name: lower-case letters, digits and hyphens, at most 40.",
    "应为主机名：小写字母、数字和连字符，最长 40 个字符",
)
RESERVED = Text("This name is taken by the bot itself; choose another.", "这个名称由机器人保留，请换一个")
MEMORY = Text(
    "Expected an amount of memory from 16m to 64g, such as 512m or 1g.",
    "应为 16m 到 64g 的内存大小，例如 512m 或 1g",
)
TTL = Text(
    "Expected a duration from 5 minutes to 30 days, such as 8h or 3d.",
    "应为 5 分钟到 30 天的时长，例如 8h 或 3d",
)
PATTERN = Text(
    "Expected a pattern such as docs/ or **/*.md, of at most 200 characters.",
    "应为路径模式，例如 docs/ 或 **/*.md，最长 200 个字符",
)
COMMAND = Text("There is no such command, or it cannot run by itself.", "没有这个命令，或者它不能自动执行")
EMPTY = Text("Expected some text.", "不能为空")
NUL = Text("The NUL character cannot be passed on.", "不能包含 NUL 字符")


JOB = Text(
    "Expected the full name of a job, such as folder/build-image or shop/PR-{number}.",
    "应为任务的完整名称，例如 folder/build-image 或 shop/PR-{number}",
)
JOB_MISSING = Text("With runner: jenkins, a job is needed beside it.", "runner 为 jenkins 时，还需要写 job")
NOT_JENKINS = Text("This counts only with runner: jenkins.", "只有 runner 为 jenkins 时才能写这一项")
PARAMETER = Text(
    "Expected the name of a parameter: at most 100 letters, digits, dots, hyphens and underscores.",
    "参数名最长 100 个字符，只能由字母、数字、点、连字符和下划线组成",
)
RESERVED_PARAMETER = Text(
    "Parameters that begin with CHATOPS_ are the bot's own.", "以 CHATOPS_ 开头的参数由机器人填写"
)
LONG_VALUE = Text("At most 2000 characters are allowed here.", "此处最多 2000 个字符")


def placeholder(name: str, known: tuple[str, ...]) -> Text:
    """Word that a name in braces stands for nothing."""
    names = ", ".join(known)
    return Text(f"{{{name}}} stands for nothing. Known: {names}.", f"没有占位符 {{{name}}}；可用：{names}")


def unknown_key(known: tuple[str, ...]) -> Text:
    """Word that a key does not exist; `known` are those that do."""
    names = ", ".join(known)
    return Text(f"Unknown key. Known here: {names}.", f"未知的键；此处可用：{names}")


def one_of(values: tuple[str, ...]) -> Text:
    """Word that a value is none of those that exist."""
    names = ", ".join(values)
    return Text(f"Expected one of: {names}.", f"应为以下之一：{names}")


def between(low: int, high: int) -> Text:
    """Word the bounds of a number."""
    return Text(f"Expected a number from {low} to {high}.", f"应为 {low} 到 {high} 之间的整数")


def at_most(count: int) -> Text:
    """Word the bound of a list or mapping."""
    return Text(f"At most {count} entries are allowed here.", f"此处最多 {count} 项")
