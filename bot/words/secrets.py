"""Why a step may not have a secret of the operator."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.sentence import Wording

_OPERATOR_GRANTS = Text(
    en="The operator of this bot can grant it in `chatops.toml`: {setting}.",
    zh="可以请机器人的管理员在 `chatops.toml` 中授权：{setting}。",
)

SECRETS: Final[Mapping[Reason, Wording]] = {
    Reason.SECRET_NOT_GRANTED: Wording(
        Text(
            en="{part} in `.chatops.yml` asks for the secret {name}, which this repository may not use.",
            zh="`.chatops.yml` 的 {part} 需要机密 {name}，但这个仓库无权使用它。",
        ),
        advice=_OPERATOR_GRANTS,
    ),
    Reason.SECRET_NOT_FOR_STEP: Wording(
        Text(
            en="{part} in `.chatops.yml` asks for the secret {name}, which this repository may use only in"
            " other steps.",
            zh="`.chatops.yml` 的 {part} 需要机密 {name}，但这个仓库只能在其他步骤中使用它。",
        ),
        advice=_OPERATOR_GRANTS,
    ),
    Reason.SECRET_NOT_FOR_ENVIRONMENT: Wording(
        Text(
            en="{part} in `.chatops.yml` asks for the secret {name}, which the environment {environment} may"
            " not have.",
            zh="`.chatops.yml` 的 {part} 需要机密 {name}，但环境 {environment} 不能使用它。",
        ),
        advice=_OPERATOR_GRANTS,
    ),
    Reason.SECRET_NOT_TRUSTED: Wording(
        Text(
            en="{part} in `.chatops.yml` asks for the secret {name}, which commits of outside contributors"
            " do not get, even if they were approved.",
            zh="`.chatops.yml` 的 {part} 需要机密 {name}，而外部贡献者的提交即使已放行也得不到它。",
        ),
        advice=Text(
            en="A person with write access can push the commit to a branch of their own fork. The operator"
            " can also give the secret to approved commits: {setting}.",
            zh="有写权限的人可以把这个提交推送到自己的 fork。管理员也可以把机密给予已放行的提交：{setting}。",
        ),
    ),
    Reason.SECRET_NOT_DELIVERED: Wording(
        Text(
            en="{part} in `.chatops.yml` asks for the secret {name}, but the runner {runner} cannot deliver"
            " it.",
            zh="`.chatops.yml` 的 {part} 需要机密 {name}，但执行器 {runner} 无法提供它。",
        ),
        advice=Text(
            en="The operator of this bot can add to `chatops.toml` where it is: {setting}.",
            zh="可以请机器人的管理员在 `chatops.toml` 中补充它的来源：{setting}。",
        ),
    ),
    Reason.SECRET_NOT_TEXT: Wording(
        Text(
            en="The secret {name} has several lines or is not text, so that no variable can have it.",
            zh="机密 {name} 有多行，或不是文本，不能放入变量。",
        ),
        advice=Text(
            en="List it under `secrets` instead of `secret_env`, and read the file.",
            zh="请把它从 `secret_env` 移到 `secrets`，并读取文件。",
        ),
    ),
    Reason.SECRET_UNREADABLE: Wording(
        Text(
            en="The bot cannot read the secret {name}; an operator should run `chatops doctor`.",
            zh="机器人无法读取机密 {name}，请管理员运行 `chatops doctor`。",
        ),
    ),
}
