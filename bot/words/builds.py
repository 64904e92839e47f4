"""Why a build failed through what the pull request contains: it is not retried."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.sentence import Wording

_IMAGE_MISSING = Text(
    en="Check its name and tag, and whether the build machine can reach its registry. A private image"
    " must be among the `bases` that the operator sets in `[registry]`.",
    zh="请检查名称和标签，以及构建机是否能访问它所在的镜像仓库。私有镜像须由管理员加入"
    " `[registry]` 的 `bases`。",
)

_NOT_FETCHED = Text(
    en="The build has no {unfetched}: {obstacle}.",
    zh="构建时没有 {unfetched}：{obstacle}。",
)
_BUILT_WITHOUT = Wording(
    _NOT_FETCHED,
    without=Text(
        en="The build has no {unfetched}: it was not fetched.", zh="构建时没有 {unfetched}：未获取。"
    ),
)

BUILDS: Final[Mapping[Reason, Wording]] = {
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
    Reason.MERGE_CONFLICT: Wording(
        Text(
            en="{sha} conflicts with the base branch at {onto}, in {paths}.",
            zh="提交 {sha} 与目标分支（{onto}）有冲突：{paths}。",
        ),
        advice=Text(
            en="Merge the base branch into your branch, resolve the conflicts and push.",
            zh="请把目标分支合并到你的分支，解决冲突后推送。",
        ),
    ),
    Reason.NO_DOCKERFILE: Wording(
        Text(en="The commit has no {path}.", zh="提交中没有 {path}。"),
        advice=Wording(
            Text(
                en="It has {paths}. To build {first}, add {setting} to `.chatops.yml` on the base branch.",
                zh="提交中有 {paths}。如需构建 {first}，请在目标分支的 `.chatops.yml` 中加入 {setting}。",
            ),
            without=Wording(
                Text(
                    en="It has {paths}. To run its services, add {setting} to `.chatops.yml` on the base"
                    " branch.",
                    zh="提交中有 {paths}。如需运行其中的服务，请在目标分支的 `.chatops.yml` 中加入"
                    " {setting}。",
                ),
                without=Text(
                    en="Add the file, or set `build.dockerfile` in `.chatops.yml` to its path.",
                    zh="请添加这个文件，或在 `.chatops.yml` 的 `build.dockerfile` 中写明它的路径。",
                ),
            ),
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
            en="Write the value out. For files of the repository, use `COPY`, or begin the path with `./`.",
            zh="请写出具体的值。对于仓库内的文件，可以改用 `COPY`，或让路径以 `./` 开头。",
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
    Reason.SECRET_NOT_LISTED: Wording(
        Text(
            en="{where} mounts the secret {name}, which this build does not get.",
            zh="{where} 挂载了机密 {name}，但本次构建得不到它。",
        ),
        advice=Text(
            en="Add {setting} to `build` in the `.chatops.yml` of the base branch; the operator must have"
            " granted it. If the build can do without it, write `required=false` in the mount.",
            zh="请在目标分支 `.chatops.yml` 的 `build` 中加入 {setting}，并确认管理员已授权。"
            "如果构建可以没有它，请在挂载中写明 `required=false`。",
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
        advice=_NOT_FETCHED,
    ),
    Reason.NOT_FETCHED: _BUILT_WITHOUT,
    Reason.BASE_IMAGE_MISSING: Wording(
        Text(en="The base image {image} cannot be found.", zh="找不到基础镜像 {image}。"),
        advice=_IMAGE_MISSING,
    ),
    Reason.IMAGE_MISSING: Wording(
        Text(en="The image {image} cannot be found.", zh="找不到镜像 {image}。"),
        advice=_IMAGE_MISSING,
    ),
    Reason.IMAGE_HOST_UNKNOWN: Wording(
        Text(
            en="The image {image} cannot be loaded: there is no host {host}.",
            zh="无法拉取镜像 {image}：主机 {host} 不存在。",
        ),
        advice=Text(
            en="Check the name of the image. If it is right, use a registry that the build machine reaches.",
            zh="请检查镜像名称；如果名称无误，请改用构建机能访问的镜像仓库。",
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
}
