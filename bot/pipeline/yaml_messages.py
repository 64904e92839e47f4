"""Messages about invalid YAML, in both languages."""

from bot.model.text import Text

NOT_UTF8 = Text("The file must be UTF-8 text.", "文件必须是 UTF-8 编码的文本")
NOT_PRINTABLE = Text("YAML does not allow this character.", "YAML 中不允许出现这个字符")
ONE_DOCUMENT = Text("Only one YAML document is allowed.", "只能包含一个 YAML 文档，请去掉多余的 ---")
UNKNOWN_ALIAS = Text("This anchor is not defined above.", "前面没有定义这个锚点")
TAG = Text("YAML tags such as !!name are not supported.", "不支持 !!name 这类 YAML 标签")
KEY = Text("Keys must be plain text.", "键必须是普通文本")
DEEP = Text("This is nested too deeply.", "嵌套层级过深")
MANY = Text("The file has too many entries.", "文件内容条目过多")

_SYNTAX = (
    (
        r"character '\t'",
        Text("Indent with spaces: YAML does not allow tabs.", "请用空格缩进，YAML 不允许使用制表符"),
    ),
    (
        "that cannot start any token",
        Text("Text that begins with this character needs quotes.", "以这个字符开头的文本需要加引号"),
    ),
    (
        "mapping values are not allowed",
        Text(
            "A colon is not expected here: write each key on its own line, and quote text that has a colon.",
            "此处不应出现冒号：每个键单独占一行，含冒号的文本请加引号",
        ),
    ),
    (
        "sequence entries are not allowed",
        Text(
            "A list item is not expected here: begin the list on the next line.",
            "此处不能写列表项，请另起一行",
        ),
    ),
    ("could not find expected ':'", Text("A colon is missing after this key.", "这个键后面缺少冒号")),
    (
        "expected <block end>",
        Text(
            "This line does not match the lines above: check its indentation and quotes.",
            "此行与上文不符，请检查缩进和引号",
        ),
    ),
    ("unexpected end of stream", Text("The quotes are never closed.", "引号未闭合")),
    ("expected ',' or ']'", Text("The list in [ ] is not closed.", "方括号 [ ] 未闭合")),
    ("expected ',' or '}'", Text("The mapping in { } is not closed.", "花括号 { } 未闭合")),
    (
        "escape",
        Text("Unknown escape in double quotes: use single quotes.", "双引号中有未知的转义，可改用单引号"),
    ),
)
_OTHER = Text("This is not valid YAML.", "不是有效的 YAML")


def syntax(problem: str) -> Text:
    """Return the message for a problem that PyYAML reports."""
    return next((message for part, message in _SYNTAX if part in problem), _OTHER)


def repeated(line: int) -> Text:
    """Return the message for a key that is also on an earlier line."""
    return Text(f"This key is already on line {line}.", f"这个键与第 {line} 行重复")
