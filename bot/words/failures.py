"""Why a step failed through the pull request itself: it is not retried."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.sentence import Wording

FAILURES: Final[Mapping[Reason, Wording]] = {
    Reason.SOURCE_TOO_LARGE: Wording(
        Text(
            en="The files of the commit are larger than {limit} in all.",
            zh="提交中的文件总大小超过 {limit}。",
        ),
        advice=Text(
            en="Remove large files, or name a smaller directory in `.chatops.yml`, such as `build.context`.",
            zh="请移除大文件，或在 `.chatops.yml` 中指定更小的目录，例如 `build.context`。",
        ),
    ),
    Reason.TOO_EXPENSIVE: Wording(
        Text(
            en="Reading {name} takes more than {seconds} of processor time or {limit} of memory, so it was"
            " not read.",
            zh="读取 {name} 需要的CPU 时间超过 {seconds}，或内存超过 {limit}，因此没有读取。",
        ),
        advice=Text(
            en="Make it smaller or simpler, or split it into several files.",
            zh="请缩小或简化它，或拆成多个文件。",
        ),
    ),
    Reason.NO_DOCKERFILE: Wording(
        Text(en="The commit has no {path}.", zh="提交中没有 {path}。"),
        advice=Text(
            en="Add the file, or set `build.dockerfile` in `.chatops.yml` to its path.",
            zh="请添加这个文件，或在 `.chatops.yml` 的 `build.dockerfile` 中写明它的路径。",
        ),
    ),
    Reason.DOCKERFILE_INVALID: Wording(
        Text(en="The Dockerfile cannot be parsed: {message}.", zh="Dockerfile 无法解析：{message}。"),
    ),
    Reason.FRONTEND_REFUSED: Wording(
        Text(
            en="{where} selects the frontend image {source}, which is not allowed here.",
            zh="{where} 指定了 frontend 镜像 {source}，这里不允许。",
        ),
        advice=Text(
            en="Use `# syntax=docker/dockerfile:1`, or ask the operator to add the image to `frontends` in"
            " `[build]`.",
            zh="请改用 `# syntax=docker/dockerfile:1`，或请管理员把该镜像加入 `[build]` 的 `frontends`。",
        ),
    ),
    Reason.SOURCE_REFUSED: Wording(
        Text(
            en="{where} adds {source}, which the build machine itself would fetch, past the network limits"
            " of the build.",
            zh="{where} 的 ADD 引用了 {source}，构建机会绕过构建的网络限制自行下载。",
        ),
        advice=Text(
            en="Commit the file, or download it in `RUN`; or ask the operator to add the address to"
            " `addresses` in `[build]`.",
            zh="请把文件提交到仓库，或在 `RUN` 中下载；也可以请管理员把该地址加入 `[build]` 的 `addresses`。",
        ),
    ),
    Reason.SOURCE_UNKNOWN: Wording(
        Text(
            en="{where} names {source}, which is only known during the build.",
            zh="{where} 引用了 {source}，它的值要到构建时才能确定。",
        ),
        advice=Text(
            en="Write the value out. A path in the repository may contain variables if it begins with `./`.",
            zh="请写出具体的值。仓库内的路径以 `./` 开头时可以包含变量。",
        ),
    ),
    Reason.IMAGE_REFUSED: Wording(
        Text(
            en="{where} uses the image {image}, which may belong to another repository.",
            zh="{where} 使用的镜像 {image} 可能属于其他仓库。",
        ),
        advice=Text(
            en="If all repositories may use it, the operator can set {setting} in `[registry]`.",
            zh="如果它可供所有仓库使用，管理员可以在 `[registry]` 中设置 {setting}。",
        ),
    ),
    Reason.TARGET_UNKNOWN: Wording(
        Text(
            en="The Dockerfile has no stage {target}. Its stages: {known}.",
            zh="Dockerfile 中没有名为 {target} 的构建阶段。现有阶段：{known}。",
        ),
        without=Text(
            en="The Dockerfile has no stage {target}.", zh="Dockerfile 中没有名为 {target} 的构建阶段。"
        ),
    ),
    Reason.BUILD_FAILED: Wording(
        Text(en="{instruction} failed with exit code {code}.", zh="{instruction} 执行失败，退出码 {code}。"),
        without=Text(en="{instruction} failed.", zh="{instruction} 执行失败。"),
    ),
    Reason.BASE_IMAGE_MISSING: Wording(
        Text(en="The base image {image} cannot be found.", zh="找不到基础镜像 {image}。"),
        advice=Text(
            en="Check its name and tag, and whether the build machine can reach its registry. A private image"
            " must be among the `bases` that the operator sets in `[registry]`.",
            zh="请检查名称和标签，以及构建机是否能访问它所在的镜像仓库。私有镜像须由管理员加入"
            " `[registry]` 的 `bases`。",
        ),
    ),
    Reason.VULNERABLE: Wording(
        Text(
            en="The image has vulnerabilities that the operator does not accept: {found} of severity"
            " “{severity}” or above. The scan found {total} in all; fixed versions exist for"
            " {fixable} of them.",
            zh="镜像漏洞超出管理员设定的门槛：“{severity}”及以上级别的有 {found} 个。"
            "扫描共发现 {total} 个漏洞，其中 {fixable} 个已有修复版本。",
        ),
        advice=Text(
            en="Update the base image or the dependencies, then push again.",
            zh="请升级基础镜像或依赖后重新推送。",
        ),
    ),
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
    Reason.OUT_OF_MEMORY: Wording(
        Text(
            en="{name} exceeded its memory limit of {limit} and was killed.",
            zh="{name} 超出内存限制 {limit}，已被终止。",
        ),
        advice=Text(
            en="Reduce its memory use or raise the limit; the limit of the service is `deploy.memory`.",
            zh="请减少内存占用，或调高上限；服务的上限是 `deploy.memory`。",
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
            en="Container {name} keeps crashing, most recently with exit code {code}.",
            zh="容器 {name} 反复崩溃，最近一次退出码 {code}。",
        ),
        advice=Text(
            en="Its last output is below; check that the same image keeps running under `docker run`.",
            zh="最后的输出见下方；可以先用 `docker run` 在本地确认同一镜像能正常运行。",
        ),
        without=Text(en="Container {name} keeps crashing.", zh="容器 {name} 反复崩溃。"),
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
    Reason.TESTS_FAILED: Wording(
        Text(en="{failed} of {total} tests failed.", zh="{total} 个测试中有 {failed} 个失败。"),
    ),
    Reason.TESTS_EXITED: Wording(
        Text(
            en="The report lists no failed test, but the tests exited with code {code}, which counts as"
            " a failure.",
            zh="报告里没有失败的测试，但测试进程的退出码是 {code}，因此按失败处理。",
        ),
    ),
    Reason.NO_REPORT: Wording(
        Text(
            en="The tests exited with code {code} and wrote no JUnit report to {path}.",
            zh="测试以退出码 {code} 结束，但在 {path} 没有找到 JUnit 报告。",
        ),
        advice=Text(
            en="Have the tests write JUnit XML to the path in the environment variable `JUNIT_PATH`.",
            zh="请让测试把 JUnit XML 写到环境变量 `JUNIT_PATH` 指定的位置。",
        ),
    ),
    Reason.REPORT_UNREADABLE: Wording(
        Text(
            en="The test report {path} cannot be read: {message}.", zh="测试报告 {path} 无法读取：{message}。"
        ),
    ),
    Reason.REPORT_CUT: Wording(
        Text(
            en="Reading the test report {paths} takes more than {seconds} of processor time, {limit} of"
            " memory or {total} elements, so only a part of the cases counts.",
            zh="读取测试报告 {paths} 需要的CPU 时间超过 {seconds}，或内存超过 {limit}，"
            "或元素超过 {total} 个，因此只计入了部分用例。",
        ),
        advice=Text(
            en="Split the suite, or have it report fewer cases and less output.",
            zh="请拆分测试套件，或减少报告中的用例和输出。",
        ),
    ),
    Reason.NO_TESTS: Wording(
        Text(
            en="There are no tests to run: the Dockerfile has no `test` stage, and the configuration"
            " sets no test command.",
            zh="没有可运行的测试：Dockerfile 没有 `test` 阶段，配置里也没有测试命令。",
        ),
    ),
    Reason.NO_ENVIRONMENT: Wording(
        Text(en="There is no environment to use.", zh="没有可用的环境。"),
        advice=Text(en="Comment `/deploy` first.", zh="请先评论 `/deploy`。"),
    ),
    Reason.TIMED_OUT: Wording(
        Text(
            en="{step} did not finish within {seconds} and was stopped.",
            zh="{step}在 {seconds}内没有完成，已停止。",
        ),
    ),
    Reason.RUN_TIMED_OUT: Wording(
        Text(
            en="The run took longer than {longest}, the maximum that the operator allows, and was stopped.",
            zh="运行总时长超过了管理员设定的上限 {longest}，已停止。",
        ),
    ),
}
