"""The doctor says who may have which secret, and what is wrong with its value."""

from pathlib import Path

from bot.doctor import secrets
from bot.doctor.findings import DoctorOptions, State
from bot.model.secrets import SecretStep, SecretTrust
from bot.settings.model import SecretSettings, Settings


async def test_everyone_who_may_have_a_secret_is_named_without_its_value(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text("hunter2-9f86d081")
    settings = Settings(
        secrets={
            "token": SecretSettings(("shop/*", "!shop/old"), (SecretStep.BUILD, SecretStep.TEST), file),
            "staging": SecretSettings(("shop/web",), (SecretStep.DEPLOY,), file, environments=("staging",)),
            "open": SecretSettings(("shop/web",), (SecretStep.BUILD,), file, trust=SecretTrust.APPROVED),
            "lost": SecretSettings(("shop/web",), (SecretStep.BUILD,), tmp_path / "none"),
        }
    )

    found = await secrets.check(DoctorOptions(settings))

    assert [(one.state, one.found.en) for one in found] == [
        (State.WRONG, f"lost: {tmp_path}/none cannot be read: No such file or directory"),
        (State.NOTE, "open: build of shop/web, also approved commits of outside contributors"),
        (State.FINE, "staging: deploy (staging) of shop/web"),
        (State.FINE, "token: build, test of shop/*, !shop/old"),
    ]
    assert secrets.enabled(settings)
    assert not secrets.enabled(Settings())
