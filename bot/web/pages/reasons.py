"""Why a step or a run ended as it did, in one plain sentence for the pages; facts in it are hostile text."""

import re
from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.run import Note
from bot.model.text import Language, Text

REASONS: Final[Mapping[Reason, Text]] = {
    Reason.NO_DOCKERFILE: Text(en="There is no {path} in this commit.", zh="此提交中没有 {path}。"),
    Reason.DOCKERFILE_INVALID: Text(
        en="The Dockerfile is invalid: {message}", zh="Dockerfile 有误：{message}"
    ),
    Reason.TARGET_UNKNOWN: Text(
        en="The Dockerfile has no stage “{target}”; it has: {known}.",
        zh="Dockerfile 中没有阶段“{target}”，现有：{known}。",
    ),
    Reason.BUILD_FAILED: Text(
        en="{instruction} exited with code {code}.", zh="{instruction} 执行失败，退出码 {code}。"
    ),
    Reason.BASE_IMAGE_MISSING: Text(en="The image {image} could not be pulled.", zh="无法拉取镜像 {image}。"),
    Reason.VULNERABLE: Text(
        en="The image's vulnerabilities exceed what is accepted: {found} are “{severity}” or worse.",
        zh="镜像的漏洞超出门槛：{found} 个达到 {severity} 及以上级别。",
    ),
    Reason.NO_PORT: Text(
        en="No port is known: EXPOSE one in the Dockerfile or set deploy.port.",
        zh="不知道服务的端口：请在 Dockerfile 中 EXPOSE，或设置 deploy.port。",
    ),
    Reason.CONTAINER_EXITED: Text(en="{name} exited with code {code}.", zh="{name} 已退出，退出码 {code}。"),
    Reason.OUT_OF_MEMORY: Text(
        en="{name} used more memory than {limit} and was stopped.",
        zh="{name} 超出内存限制 {limit}，已被终止。",
    ),
    Reason.UNHEALTHY: Text(
        en="{name} did not become healthy within {seconds} s.", zh="{name} 在 {seconds} 秒内未通过健康检查。"
    ),
    Reason.IMAGE_PULL_FAILED: Text(
        en="The image {image} of {name} could not be pulled: {message}",
        zh="{name} 的镜像 {image} 拉取失败：{message}",
    ),
    Reason.CRASH_LOOP: Text(
        en="{name} keeps crashing, last with exit code {code}.", zh="{name} 反复崩溃，最近一次退出码 {code}。"
    ),
    Reason.PROBE_FAILING: Text(
        en="{name} runs, but its probe fails: {message}", zh="{name} 已启动，但探针未通过：{message}"
    ),
    Reason.RUNS_AS_ROOT: Text(
        en="{name} wants to run as root, which this cluster does not allow.",
        zh="{name} 要以 root 运行，这个集群不允许。",
    ),
    Reason.CONTAINER_UNSTARTABLE: Text(
        en="{name} cannot be started: {message}", zh="{name} 无法启动：{message}"
    ),
    Reason.QUOTA_EXCEEDED: Text(
        en="The environment is over its quota: {message}", zh="环境超出配额：{message}"
    ),
    Reason.POD_REFUSED: Text(en="The cluster refuses the pod: {message}", zh="集群拒绝创建 Pod：{message}"),
    Reason.UNSCHEDULABLE: Text(
        en="No node has room for the pod: {message}", zh="没有节点能容纳这个 Pod：{message}"
    ),
    Reason.HOOK_FAILED: Text(
        en="The job {name} that belongs to the deployment failed.", zh="部署中的任务 {name} 执行失败。"
    ),
    Reason.URL_UNANSWERED: Text(
        en="The pods are ready, but {url} gave no answer within {seconds} s ({answer}).",
        zh="Pod 已就绪，但 {url} 在 {seconds} 秒内没有正常响应（{answer}）。",
    ),
    Reason.NO_DEFINITION: Text(
        en="There is no folder {path} in commit {sha}.", zh="提交 {sha} 中没有目录 {path}。"
    ),
    Reason.CHART_FAILED: Text(
        en="Helm cannot use the chart {chart}: {message}", zh="Helm 无法使用 Chart {chart}：{message}"
    ),
    Reason.CHART_REFUSED: Text(
        en="The operator does not allow the chart {chart}.", zh="管理员不允许使用 Chart {chart}。"
    ),
    Reason.VALUE_REFUSED: Text(
        en="The operator does not let repositories set the chart value {value}.",
        zh="管理员不允许仓库设置 Chart 的值 {value}。",
    ),
    Reason.NO_SERVICE: Text(
        en="{path} has no Ingress for {host} and not exactly one Service.",
        zh="{path} 中没有 {host} 的 Ingress，也不是恰好一个 Service。",
    ),
    Reason.MANIFEST_INVALID: Text(
        en="The manifest {path} cannot be used: {message}", zh="清单 {path} 无法使用：{message}"
    ),
    Reason.MANIFEST_REFUSED: Text(
        en="{object} asks for {what}, which a preview may not have.",
        zh="{object} 要求 {what}，预览环境不允许。",
    ),
    Reason.TESTS_FAILED: Text(
        en="{failed} of {total} tests failed.", zh="{total} 项测试中 {failed} 项失败。"
    ),
    Reason.TESTS_EXITED: Text(
        en="No test of the report failed, but the tests exited with code {code}.",
        zh="报告里没有失败的测试，但测试进程的退出码是 {code}，按失败处理。",
    ),
    Reason.NO_REPORT: Text(
        en="The tests exited with code {code} and left no JUnit report in {path}.",
        zh="测试退出码为 {code}，且未在 {path} 生成 JUnit 报告。",
    ),
    Reason.REPORT_UNREADABLE: Text(
        en="The report {path} could not be read: {message}", zh="无法读取报告 {path}：{message}"
    ),
    Reason.NO_TESTS: Text(en="There are no tests to run.", zh="没有可运行的测试。"),
    Reason.NO_ENVIRONMENT: Text(en="There is no environment to test.", zh="没有可供测试的环境。"),
    Reason.TIMED_OUT: Text(en="Stopped after {seconds} s.", zh="超过 {seconds} 秒，已终止。"),
    Reason.RUN_TIMED_OUT: Text(
        en="The run took longer than the {longest} that it may take.",
        zh="运行总时长超过上限 {longest}，已终止。",
    ),
    Reason.HEAD_MOVED: Text(
        en="The pull request has moved on to {now}.", zh="Pull Request 已有更新的提交 {now}。"
    ),
    Reason.CANCELLED: Text(en="Cancelled by {who}.", zh="由 {who} 取消。"),
    Reason.SUPERSEDED: Text(en="Superseded by {by}.", zh="已被 {by} 取代。"),
    Reason.CLOSED: Text(en="The pull request was closed.", zh="Pull Request 已关闭。"),
    Reason.SKIPPED_AFTER_FAILURE: Text(
        en="Skipped, since the step before failed.", zh="前一步骤失败，已跳过。"
    ),
    Reason.SHUT_DOWN: Text(en="The bot was shut down.", zh="机器人已停止运行。"),
    Reason.ENGINE_UNAVAILABLE: Text(
        en="The container engine does not answer: {message}", zh="容器引擎没有响应：{message}"
    ),
    Reason.CLUSTER_UNAVAILABLE: Text(
        en="The Kubernetes cluster does not answer: {message}", zh="Kubernetes 集群没有响应：{message}"
    ),
    Reason.CLUSTER_REFUSED: Text(
        en="The Kubernetes cluster refused the bot's request: {message}",
        zh="Kubernetes 集群拒绝了机器人的请求：{message}",
    ),
    Reason.BUILDKIT_UNAVAILABLE: Text(
        en="The cluster's BuildKit does not answer: {message}", zh="集群中的 BuildKit 没有响应：{message}"
    ),
    Reason.REGISTRY_UNAVAILABLE: Text(
        en="The image registry does not answer: {message}", zh="镜像仓库没有响应：{message}"
    ),
    Reason.REGISTRY_DENIED: Text(
        en="The image registry refused access to {repository}.", zh="镜像仓库拒绝访问 {repository}。"
    ),
    Reason.SCAN_UNAVAILABLE: Text(
        en="There is no vulnerability scan of {message}, and one must be passed.",
        zh="没有得到 {message} 的漏洞扫描结果，而镜像必须通过扫描。",
    ),
    Reason.GIT_UNAVAILABLE: Text(en="The code could not be fetched: {message}", zh="无法获取代码：{message}"),
    Reason.GIT_DENIED: Text(
        en="Gitee refused access to the code of {repository}.", zh="Gitee 拒绝访问 {repository} 的代码。"
    ),
    Reason.COMMIT_GONE: Text(en="Commit {sha} is no longer there.", zh="提交 {sha} 已不存在。"),
    Reason.STORE_UNAVAILABLE: Text(
        en="The bot's database does not answer: {message}", zh="机器人的数据库没有响应：{message}"
    ),
    Reason.INTERRUPTED: Text(
        en="It was interrupted {times} times and is not tried again.", zh="被中断了 {times} 次，不再重试。"
    ),
    Reason.GITEE_UNAVAILABLE: Text(en="Gitee does not answer: {message}", zh="Gitee 没有响应：{message}"),
    Reason.GITEE_DENIED: Text(en="Gitee refused: {message}", zh="Gitee 拒绝了请求：{message}"),
    Reason.NOT_SUPPORTED: Text(en="{what} is not supported here.", zh="此处不支持 {what}。"),
    Reason.JENKINS_JOB_UNKNOWN: Text(
        en="Jenkins has no job {job}, or the bot's account may not see it.",
        zh="Jenkins 上没有任务 {job}，或机器人账号看不到它。",
    ),
    Reason.JENKINS_JOB_DISABLED: Text(
        en="The Jenkins job {job} is disabled.", zh="Jenkins 任务 {job} 已被禁用。"
    ),
    Reason.JENKINS_JOB_NOT_ALLOWED: Text(
        en="This repository may not use the Jenkins job {job}.", zh="这个仓库不能使用 Jenkins 任务 {job}。"
    ),
    Reason.JENKINS_PARAMETERS: Text(
        en="The Jenkins job {job} does not declare {parameters}.",
        zh="Jenkins 任务 {job} 没有声明参数 {parameters}。",
    ),
    Reason.JENKINS_LOGIN: Text(
        en="Jenkins does not accept the bot's credentials: {message}",
        zh="Jenkins 不接受机器人的凭据：{message}",
    ),
    Reason.JENKINS_DENIED: Text(
        en="Jenkins denies the bot's account {permission} for {job}.",
        zh="机器人账号在 Jenkins 上对 {job} 没有权限 {permission}。",
    ),
    Reason.JENKINS_UNAVAILABLE: Text(
        en="Jenkins does not answer: {message}", zh="Jenkins 没有响应：{message}"
    ),
    Reason.JENKINS_QUEUED_TOO_LONG: Text(
        en="{job} was taken out of Jenkins' queue after {seconds} s: {why}",
        zh="任务 {job} 在 Jenkins 队列中等待超过 {seconds} 秒，已移出队列：{why}",
    ),
    Reason.JENKINS_FAILED: Text(
        en="The Jenkins job {job} #{number} ended with {result}.",
        zh="Jenkins 任务 {job} 的第 {number} 次构建结果为 {result}。",
    ),
    Reason.JENKINS_ABORTED: Text(
        en="The Jenkins job {job} #{number} was aborted in Jenkins.",
        zh="Jenkins 任务 {job} 的第 {number} 次构建在 Jenkins 上被中止。",
    ),
    Reason.JENKINS_LOST: Text(
        en="Jenkins no longer knows the build of {job} that was started.",
        zh="Jenkins 上已找不到任务 {job} 的这次构建。",
    ),
    Reason.JENKINS_RESULT_UNREADABLE: Text(
        en="{path} of the job {job} cannot be used: {message}",
        zh="任务 {job} 给出的 {path} 无法使用：{message}",
    ),
    Reason.JENKINS_NO_IMAGE: Text(en="The job {job} told no image.", zh="任务 {job} 没有给出镜像。"),
    Reason.JENKINS_NO_REPORT: Text(
        en="The job {job} published no test results.", zh="任务 {job} 没有发布测试结果。"
    ),
    Reason.INTERNAL: Text(
        en="It is a mistake of the bot's; the log knows it as {id}.",
        zh="这是机器人的程序错误，日志编号 {id}。",
    ),
}

_WITHOUT_CODE: Final[Mapping[Reason, Text]] = {
    Reason.BUILD_FAILED: Text(en="{instruction} failed.", zh="{instruction} 执行失败。"),
    Reason.CONTAINER_EXITED: Text(en="{name} exited.", zh="{name} 已退出。"),
}
"""For failures that no exit code tells of, such as a COPY of what is not there."""


NOTES: Final[Mapping[str, Text]] = {
    "config_changed": Text(
        en="This pull request changes {file}. The change counts from the merge on.",
        zh="这个 PR 修改了 {file}，改动在合并后生效。",
    ),
    "config_absent": Text(
        en="There is no {file} on the target branch: the defaults were used.",
        zh="目标分支上没有 {file}，使用默认配置。",
    ),
    "image_reused": Text(
        en="The image of this commit was there already and was used.",
        zh="这个提交的镜像已存在，直接使用，未重新构建。",
    ),
    "step_disabled": Text(
        en="The repository's configuration switches “{step}” off.", zh="仓库配置关闭了“{step}”，已略过。"
    ),
    "resumed": Text(
        en="The bot was restarted; the run went on where it had stopped.",
        zh="机器人重启过，运行已从中断处继续。",
    ),
}
_COMMIT = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{32}\b")


class _Facts(dict[str, str]):
    def __missing__(self, _key: str) -> str:
        return "?"


def explain(reason: Reason, facts: Mapping[str, str], language: Language) -> str:
    """Return the sentence; a reason that ends no step is told by its code."""
    plain = None if facts.get("code") else _WITHOUT_CODE.get(reason)
    return _worded(plain or REASONS.get(reason), str(reason), facts, language)


def remark(note: Note, language: Language) -> str:
    """Return what a person should know besides."""
    return _worded(NOTES.get(note.code), note.code, note.facts, language)


def _worded(words: Text | None, code: str, facts: Mapping[str, str], language: Language) -> str:
    sentence = words.say(language).format_map(_Facts(facts)) if words else code
    return _COMMIT.sub(r"\1", sentence)
