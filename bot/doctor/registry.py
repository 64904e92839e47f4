"""Checks the registry that images are pushed to."""

from collections.abc import Sequence

from bot.app.adapters import open_registry
from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.model.errors import GiveUp
from bot.model.text import Text
from bot.registry.harbor import HarborRegistry
from bot.registry.oci import OciRegistry


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check that the registry answers and accepts the credentials."""
    chosen = options.settings.registry
    async with open_registry(options.settings) as registry:
        trouble = await registry.ping()
        if trouble is not None:
            return [_unusable(trouble)]
        found = [fine(en=f"{chosen.url} responds", zh=f"{chosen.url} 可以访问")]
        if isinstance(registry, OciRegistry):
            found.append(_push(chosen.url, allowed=await registry.may_push()))
        elif chosen.project:
            found.append(await _permissions(registry, chosen.project))
    return found


def _push(url: str, *, allowed: bool) -> Finding:
    if allowed:
        return fine(en="the account can push images", zh="账号可以推送镜像")
    return wrong(
        Text(en=f"the account cannot push to {url}", zh=f"账号无权推送镜像到 {url}"),
        Text(
            en="Set [registry] username and password to an account that can push, and check [registry]"
            " project.",
            zh="请在 [registry] 中设置有推送权限的 username 和 password，并检查 project。",
        ),
    )


async def _permissions(harbor: HarborRegistry, project: str) -> Finding:
    try:
        missing = await harbor.missing_permissions()
    except GiveUp:
        return note(
            Text(
                en=f"the account cannot read project {project}, so its permissions were not checked",
                zh=f"该账号无权读取项目 {project}，未检查权限",
            )
        )
    if missing is None:
        return note(
            Text(en=f"project {project} does not exist yet", zh=f"项目 {project} 还不存在"),
            Text(
                en="The first build creates it if the account has the permission; otherwise create it by"
                " hand.",
                zh="首次构建时会自动创建；如果账号无权创建，请手动创建。",
            ),
        )
    if missing:
        listed = ", ".join(missing)
        return wrong(
            Text(
                en=f"the account lacks permissions in project {project}: {listed}",
                zh=f"账号在项目 {project} 中缺少权限：{listed}",
            ),
            Text(
                en="Grant them to the robot account, or make the user a maintainer of the project.",
                zh="请给机器人账户加上这些权限，或把该用户设为项目的维护人员。",
            ),
        )
    return fine(
        en=f"the account has all required permissions in project {project}",
        zh=f"账号在项目 {project} 中的权限齐全",
    )


def _unusable(trouble: str) -> Finding:
    return wrong(
        Text(en=trouble, zh=f"镜像仓库有问题：{trouble}"),
        Text(
            en="Check [registry] kind, url, username and password, and that the registry is running.",
            zh="请检查 [registry] 的 kind、url、username 和 password，并确认镜像仓库正在运行。",
        ),
    )
