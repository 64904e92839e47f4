"""Why a deployment failed through what it starts: it is not retried."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.sentence import Wording

DEPLOYMENTS: Final[Mapping[Reason, Wording]] = {
    Reason.NO_PORT: Wording(
        Text(en="The port of the service cannot be determined.", zh="无法确定服务端口。"),
        advice=Text(
            en="Add `EXPOSE` to the Dockerfile, or set `deploy.port` in `.chatops.yml`.",
            zh="请在 Dockerfile 中添加 `EXPOSE`，或在 `.chatops.yml` 中设置 `deploy.port`。",
        ),
    ),
    Reason.CONTAINER_EXITED: Wording(
        Text(
            en="Container {name} exited right after it started, with code {code}.",
            zh="容器 {name} 启动后立即退出，退出码 {code}。",
        ),
        without=Text(en="Container {name} exited right after it started.", zh="容器 {name} 启动后立即退出。"),
    ),
    Reason.SETUP_FAILED: Wording(
        Text(
            en="The setup command {command} failed with exit code {code}, so the service was not started.",
            zh="初始化命令 {command} 失败，退出码 {code}，因此没有启动服务。",
        ),
    ),
    Reason.SETUP_TIMED_OUT: Wording(
        Text(
            en="The setup command {command} did not finish within {seconds} and was stopped.",
            zh="初始化命令 {command} 在 {seconds}内没有完成，已停止。",
        ),
        advice=Text(
            en="Check that it does not wait for input, or raise `deploy.setup_timeout`.",
            zh="请确认命令没有等待输入，或调大 `deploy.setup_timeout`。",
        ),
    ),
    Reason.OUT_OF_MEMORY: Wording(
        Text(
            en="{name} exceeded its memory limit of {limit} and was killed.",
            zh="{name} 超出内存限制 {limit}，已被终止。",
        ),
        advice=Text(
            en="Reduce its memory use or raise the limit; the limit of the service is `deploy.memory`,"
            " that of tests `test.memory`.",
            zh="请减少内存占用，或调高上限；服务的上限是 `deploy.memory`，测试的上限是 `test.memory`。",
        ),
        without=Text(
            en="{name} exceeded its memory limit and was killed.", zh="{name} 超出内存限制，已被终止。"
        ),
    ),
    Reason.DISK_EXCEEDED: Wording(
        Text(
            en="{name} wrote {size} to its disk, more than its limit of {limit}, and was stopped.",
            zh="{name} 向磁盘写入了 {size}，超出限制 {limit}，已被停止。",
        ),
        advice=Text(
            en="Write less, or ask an operator to raise `[docker] disk_max`.",
            zh="请减少写入的数据，或请管理员调高 `[docker] disk_max`。",
        ),
        without=Text(
            en="{name} wrote {size} to its disk while that was nearly full, and was stopped.",
            zh="{name} 向磁盘写入了 {size}，而磁盘空间不足，已被停止。",
        ),
    ),
    Reason.FILE_REFUSED: Wording(
        Text(
            en="{path} cannot be copied into {name}: it is a symbolic link, or its name has a colon, has"
            " unprintable characters or is not in UTF-8.",
            zh="{path} 无法复制到 {name}：它是符号链接，或者名称中有冒号、不可显示的字符，或非 UTF-8 编码。",
        ),
        advice=Text(
            en="Replace it by an ordinary file, or name only what is needed under `files`.",
            zh="请换成普通文件，或在 `files` 中只列出需要的内容。",
        ),
    ),
    Reason.FILES_TOO_MANY: Wording(
        Text(
            en="`files` names more than {limit} files for {name}.",
            zh="`files` 给 {name} 指定的文件超过 {limit} 个。",
        ),
        advice=Text(
            en="Name only what is needed, or build an image that has the files.",
            zh="请只列出需要的内容，或构建包含这些文件的镜像。",
        ),
    ),
    Reason.FILES_TOO_LARGE: Wording(
        Text(
            en="The `files` for {name} have more than {limit} in all; {path} no longer fits.",
            zh="`files` 给 {name} 指定的文件共超过 {limit}，放不下 {path}。",
        ),
        advice=Text(
            en="Name only what is needed, or build an image that has the files.",
            zh="请只列出需要的内容，或构建包含这些文件的镜像。",
        ),
    ),
    Reason.UNHEALTHY: Wording(
        Text(
            en="{name} did not pass its health check within {seconds}.",
            zh="{name} 在 {seconds}内未通过健康检查。",
        ),
        advice=Text(
            en="Make sure that the service listens on `0.0.0.0`; adjust `deploy.health` if it needs longer.",
            zh="请确认服务监听 `0.0.0.0`，必要时调整 `deploy.health`。",
        ),
    ),
    Reason.NO_HTTP: Wording(
        Text(
            en="{name} accepts connections on port {port}, but answered no HTTP request within {seconds}.",
            zh="{name} 的端口 {port} 可以连接，但在 {seconds}内没有响应 HTTP 请求。",
        ),
        advice=Text(
            en="If it speaks another protocol, set `deploy.health.protocol` to `tcp`; if it needs longer,"
            " raise `deploy.health.timeout`.",
            zh="如果服务使用其他协议，请把 `deploy.health.protocol` 设为 `tcp`；"
            "如果启动较慢，请调大 `deploy.health.timeout`。",
        ),
    ),
    Reason.READ_ONLY: Wording(
        Text(
            en="{name} is restricted, and failed to write to its root file system, which is read-only.",
            zh="{name} 运行在受限模式下，根文件系统只读，因此写入失败。",
        ),
        advice=Wording(
            Text(
                en="Write to `/tmp` or to a `VOLUME`, or ask an operator: {setting} restricts it.",
                zh="请改为写入 `/tmp` 或 `VOLUME`，或联系管理员：限制由 {setting} 设置。",
            ),
            without=Text(
                en="Write to `/tmp` or to a `VOLUME`, or remove `deploy.restricted` from `.chatops.yml`.",
                zh="请改为写入 `/tmp` 或 `VOLUME`，或从 `.chatops.yml` 中去掉 `deploy.restricted`。",
            ),
        ),
    ),
    Reason.NOT_PERMITTED: Wording(
        Text(
            en="{name} is restricted, and failed to change its user or the owner of a file.",
            zh="{name} 运行在受限模式下，不能切换用户或更改文件的所有者。",
        ),
        advice=Wording(
            Text(
                en="Start it as its user with `USER` in the Dockerfile, or ask an operator: {setting}"
                " restricts it.",
                zh="请在 Dockerfile 中用 `USER` 指定用户，或联系管理员：限制由 {setting} 设置。",
            ),
            without=Text(
                en="Start it as its user with `USER` in the Dockerfile, or remove `deploy.restricted` from"
                " `.chatops.yml`.",
                zh="请在 Dockerfile 中用 `USER` 指定用户，或从 `.chatops.yml` 中去掉 `deploy.restricted`。",
            ),
        ),
    ),
    Reason.IMAGE_PULL_FAILED: Wording(
        Text(
            en="The image {image} of container {name} cannot be pulled: {message}.",
            zh="容器 {name} 的镜像 {image} 拉取失败：{message}。",
        ),
        advice=Text(
            en="Check the image's name and tag, and whether the cluster may pull from its registry.",
            zh="请检查镜像名和标签，以及集群是否有权限从该镜像仓库拉取。",
        ),
        without=Text(
            en="The image {image} of container {name} cannot be pulled.",
            zh="容器 {name} 的镜像 {image} 拉取失败。",
        ),
    ),
    Reason.CRASH_LOOP: Wording(
        Text(
            en="Container {name} exited {times} times within {seconds}, most recently with code {code}.",
            zh="容器 {name} 在 {seconds}内退出了 {times} 次，最近一次退出码 {code}。",
        ),
        advice=Text(
            en="Its last output, if any, is below; check that the same image keeps running under"
            " `docker run`.",
            zh="最后的输出（如有）见下方；可以先用 `docker run` 在本地确认同一镜像能正常运行。",
        ),
        without=Wording(
            Text(
                en="Container {name} keeps crashing, most recently with exit code {code}.",
                zh="容器 {name} 反复崩溃，最近一次退出码 {code}。",
            ),
            without=Text(en="Container {name} keeps crashing.", zh="容器 {name} 反复崩溃。"),
        ),
    ),
    Reason.CONTAINER_STOPPED: Wording(
        Text(
            en="Container {name} has stopped running; its exit code was {code}.",
            zh="容器 {name} 已停止运行，退出码 {code}。",
        ),
        without=Text(en="Container {name} has stopped running.", zh="容器 {name} 已停止运行。"),
    ),
    Reason.NO_LONGER_HEALTHY: Wording(
        Text(
            en="{name} has failed its health check for {seconds}.",
            zh="{name} 已有 {seconds}未通过健康检查。",
        ),
    ),
    Reason.ENVIRONMENT_GONE: Wording(
        Text(
            en="The environment does not exist any more: it was removed, but not by the bot.",
            zh="环境已不存在：它被删除了，但不是由机器人删除的。",
        ),
    ),
    Reason.TEARDOWN_UNFINISHED: Wording(
        Text(
            en="Its removal was started, but not finished. The bot removes what is left.",
            zh="环境的清理已经开始，但没有完成，剩余部分由机器人继续清理。",
        ),
    ),
    Reason.PROBE_FAILING: Wording(
        Text(
            en="Container {name} is running, but its probe still fails after {seconds}: {message}.",
            zh="容器 {name} 已启动，但 {seconds}后探针仍未通过：{message}。",
        ),
        advice=Text(
            en="Check the path in `deploy.health` and the port in `deploy.port`, and that the service"
            " listens on `0.0.0.0`.",
            zh="请检查 `deploy.health` 的路径和 `deploy.port`，并确认服务监听 `0.0.0.0`。",
        ),
        without=Text(
            en="Container {name} is running, but its probe still fails: {message}.",
            zh="容器 {name} 已启动，但探针仍未通过：{message}。",
        ),
    ),
    Reason.RUNS_AS_ROOT: Wording(
        Text(
            en="Container {name} would run as root, which this cluster does not allow.",
            zh="容器 {name} 要以 root 运行，这个集群不允许。",
        ),
        advice=Text(
            en="Set a numeric user in the Dockerfile, such as `USER 1000`.",
            zh="请在 Dockerfile 中用数字指定用户，例如 `USER 1000`。",
        ),
    ),
    Reason.CONTAINER_UNSTARTABLE: Wording(
        Text(en="Container {name} cannot be started: {message}.", zh="容器 {name} 无法启动：{message}。"),
        advice=Text(
            en="Check its command, and the Secrets, ConfigMaps and volumes that it refers to.",
            zh="请检查启动命令，以及引用的 Secret、ConfigMap 和存储卷。",
        ),
    ),
    Reason.NO_STORAGE_CLASS: Wording(
        Text(
            en="The data cannot be kept: the cluster has no default StorageClass.",
            zh="无法保留数据：集群没有默认的 StorageClass。",
        ),
        advice=Text(
            en="Remove `deploy.data` from `.chatops.yml`, or ask an operator to make a StorageClass the"
            " default.",
            zh="请从 `.chatops.yml` 中去掉 `deploy.data`，或请管理员设置默认的 StorageClass。",
        ),
    ),
    Reason.QUOTA_EXCEEDED: Wording(
        Text(en="The environment exceeds its quota: {message}.", zh="环境超出配额：{message}。"),
        advice=Text(
            en="Lower `deploy.memory` or the number of replicas, or ask an operator to raise the quota.",
            zh="请减小 `deploy.memory` 或副本数，或请管理员提高配额。",
        ),
    ),
    Reason.POD_REFUSED: Wording(
        Text(en="The cluster refused the pod: {message}.", zh="集群拒绝创建 Pod：{message}。"),
        advice=Text(
            en="Fix what the message names in the manifest or chart.", zh="请按提示修改清单或 Chart。"
        ),
    ),
    Reason.UNSCHEDULABLE: Wording(
        Text(en="No node has room for the pod: {message}.", zh="没有节点能容纳这个 Pod：{message}。"),
        advice=Text(
            en="Request less memory or CPU, tear down environments that are no longer needed, or try"
            " again later.",
            zh="请减少内存或 CPU 的申请量，清理不再需要的环境，或稍后再试。",
        ),
    ),
    Reason.HOOK_FAILED: Wording(
        Text(en="The deployment's job {name} failed.", zh="部署中的任务 {name} 执行失败。"),
        advice=Text(en="Its last output is below.", zh="最后的输出见下方。"),
    ),
    Reason.URL_UNANSWERED: Wording(
        Text(
            en="The pods are ready, but {url} did not respond as expected within {seconds} ({answer}).",
            zh="Pod 已就绪，但 {url} 在 {seconds}内没有正常响应（{answer}）。",
        ),
        advice=Text(
            en="If the service responds at another path, set `deploy.health.path`; otherwise ask an"
            " operator to check the Ingress controller and DNS.",
            zh="如果服务在其他路径响应，请在 `deploy.health.path` 中写明；"
            "否则请管理员检查 Ingress 控制器和 DNS。",
        ),
    ),
    Reason.NO_ENVIRONMENT: Wording(
        Text(en="There is no environment to use.", zh="没有可用的环境。"),
        advice=Text(en="Comment `/deploy` first.", zh="请先评论 `/deploy`。"),
    ),
}
