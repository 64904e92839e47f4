"""Why the manifests or the chart of a pull request were refused."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.sentence import Wording

MANIFESTS: Final[Mapping[Reason, Wording]] = {
    Reason.NO_DEFINITION: Wording(
        Text(en="Commit {sha} has no directory {path}.", zh="提交 {sha} 中没有目录 {path}。"),
    ),
    Reason.CHART_FAILED: Wording(
        Text(
            en="Helm cannot use the chart {chart}: {message}.", zh="Helm 无法使用 Chart {chart}：{message}。"
        ),
        advice=Text(
            en="Try `helm template` with the same values.",
            zh="可以在本地用同样的值执行 `helm template` 试试。",
        ),
    ),
    Reason.CHART_REFUSED: Wording(
        Text(
            en="The chart {chart} is not among those that the operator allows.",
            zh="Chart {chart} 不在管理员允许的范围内。",
        ),
    ),
    Reason.VALUE_REFUSED: Wording(
        Text(
            en="The operator does not let repositories set the chart value {value}.",
            zh="管理员不允许仓库设置 Chart 的值 {value}。",
        ),
    ),
    Reason.SCHEMA_REFUSED: Wording(
        Text(
            en="{path} refers to {reference}, but a chart's schema may only refer to itself.",
            zh="{path} 引用了 {reference}，而 Chart 的 schema 只能引用文件自身的内容。",
        ),
        advice=Text(
            en="Copy that schema into the file, such as under `$defs`, and refer to it with `#/$defs/…`.",
            zh="请把被引用的 schema 复制到该文件中（例如放在 `$defs` 下），再用 `#/$defs/…` 引用。",
        ),
    ),
    Reason.NO_SERVICE: Wording(
        Text(
            en="It cannot be determined which Service serves {host}: {path} has no Ingress for this"
            " host and does not contain exactly one Service.",
            zh="无法确定 {host} 应转发到哪个 Service：{path} 中没有这个域名的 Ingress，"
            "也不是只有一个 Service。",
        ),
        advice=Text(
            en="Name the Service `app`, or add an Ingress with `host: {{ host }}`.",
            zh="请把 Service 命名为 `app`，或添加 `host: {{ host }}` 的 Ingress。",
        ),
    ),
    Reason.MANIFEST_INVALID: Wording(
        Text(en="The manifest {path} cannot be used: {message}.", zh="清单 {path} 无法使用：{message}。"),
    ),
    Reason.MANIFEST_REFUSED: Wording(
        Text(
            en="{object} sets {what}, which a preview may not have. Nothing was applied.",
            zh="{object} 设置了 {what}，预览环境不允许，因此没有应用任何内容。",
        ),
        advice=Text(en="Remove it from the manifest or chart.", zh="请从清单或 Chart 中去掉这一项。"),
    ),
    Reason.MANIFEST_VALUE_REFUSED: Wording(
        Text(
            en="{object} sets {what}, but a preview may only have {allowed} there. Nothing was applied.",
            zh="{object} 设置了 {what}，预览环境在此处只允许 {allowed}，因此没有应用任何内容。",
        ),
        advice=Text(
            en="Correct or remove it in the manifest or chart.", zh="请在清单或 Chart 中改正或去掉这一项。"
        ),
    ),
    Reason.MANIFEST_UNLISTED: Wording(
        Text(
            en="{object} sets {what}, which the operator has not allowed. Nothing was applied.",
            zh="{object} 设置了 {what}，管理员没有允许，因此没有应用任何内容。",
        ),
        advice=Text(
            en="Remove it from the manifest or chart, or ask an operator to set {setting}.",
            zh="请从清单或 Chart 中去掉这一项，或请管理员设置 {setting}。",
        ),
    ),
}
