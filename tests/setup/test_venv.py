"""The virtual environment: which Python it uses, when packages are installed, and the errors."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
StandIn = Callable[[str, str], Path]

PYTHONS = ("python3", "python3.11", "python3.12", "python3.13", "python3.14")
# A Python that is new enough and has venv; `-m venv` creates an environment that records the calls of pip.
GOOD = """
[[ $1 == -c ]] && exit 0
[[ "$1 $2" == "-m venv" ]] || exit 9
for folder; do :; done
mkdir -p "$folder/bin"
cat >"$folder/bin/python" <<'END'
#!/bin/bash
echo "$*" >>pip-calls
[[ "$*" == *--editable* ]] && touch .venv/bin/chatops && chmod +x .venv/bin/chatops
exit 0
END
chmod +x "$folder/bin/python"
"""
WITHOUT_VENV = """
[[ $2 == *-venv* ]] && echo python3.11-venv && exit 0
[[ $2 == *ensurepip* ]] && exit 1
exit 0
"""
TOO_OLD = "exit 1"


@pytest.fixture
def pythons(stand_in: StandIn) -> Callable[[str], None]:
    """Return a function that writes the same Python under every name."""

    def write(script: str) -> None:
        for name in PYTHONS:
            stand_in(name, script)

    return write


def pip_calls(checkout: Path) -> list[str]:
    return [line for line in (checkout / "pip-calls").read_text().splitlines() if "install" in line]


def test_installs_the_lock_with_hashes_then_the_project(
    run: Run, checkout: Path, pythons: Callable[[str], None]
) -> None:
    pythons(GOOD)
    done = run("deploy/local/venv.sh")
    assert done.returncode == 0, done.stdout
    locked, project = pip_calls(checkout)
    assert locked.endswith("--require-hashes -r requirements-dev.lock")
    assert project.endswith("--no-deps --no-build-isolation --editable .")


def test_a_second_run_does_nothing_and_prints_nothing(
    run: Run, checkout: Path, pythons: Callable[[str], None]
) -> None:
    pythons(GOOD)
    run("deploy/local/venv.sh")
    before = pip_calls(checkout)
    again = run("deploy/local/venv.sh")
    assert (again.returncode, again.stdout) == (0, "")
    assert pip_calls(checkout) == before


@pytest.mark.parametrize("changed", ["requirements-dev.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_installs_again(
    run: Run, checkout: Path, pythons: Callable[[str], None], changed: str
) -> None:
    pythons(GOOD)
    run("deploy/local/venv.sh")
    with (checkout / changed).open("a") as file:
        file.write("\n# changed\n")
    run("deploy/local/venv.sh")
    assert len(pip_calls(checkout)) == 4


def test_a_failed_installation_is_not_recorded_as_complete(
    run: Run, checkout: Path, pythons: Callable[[str], None]
) -> None:
    pythons(
        GOOD.replace(
            'echo "$*" >>pip-calls', 'echo "no such wheel"; [[ "$*" != *--require-hashes* ]] || exit 1'
        )
    )
    done = run("deploy/local/venv.sh")
    assert done.returncode == 1
    assert "no such wheel" in done.stdout
    assert not (checkout / ".venv/.installed").exists()


def test_without_root_the_error_for_a_missing_venv_module_contains_the_command(
    run: Run, stand_in: StandIn, pythons: Callable[[str], None]
) -> None:
    pythons(WITHOUT_VENV)
    stand_in("id", "echo 1000")
    stand_in("apt-get", "exit 0")
    done = run("deploy/local/venv.sh")
    assert done.returncode == 1
    assert (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends python3.11-venv"
        in done.stdout
    )


def test_root_installs_a_missing_venv_module_and_retries_a_failed_call(
    run: Run, stand_in: StandIn, programs: Path, checkout: Path, pythons: Callable[[str], None]
) -> None:
    pythons(f"if [[ ! -e {programs}/installed ]]; then {WITHOUT_VENV} fi\n{GOOD}")
    stand_in("id", "echo 0")
    stand_in(
        "apt-get",
        f'echo "$*" >>{programs}/apt-calls\n'
        f"[[ $(wc -l <{programs}/apt-calls) == 1 ]] && exit 100\n"
        f'[[ "$*" == *install* ]] && touch {programs}/installed; exit 0',
    )
    done = run("deploy/local/venv.sh")
    assert done.returncode == 0, done.stdout
    calls = (programs / "apt-calls").read_text().splitlines()
    assert [call.split()[2] for call in calls] == ["update", "update", "install"]
    assert calls[-1].endswith("python3.11-venv")
    assert (checkout / ".venv/.installed").exists()


def test_a_python_that_is_too_old_is_refused_and_the_required_version_named(
    run: Run, stand_in: StandIn, pythons: Callable[[str], None]
) -> None:
    pythons(TOO_OLD)
    stand_in("id", "echo 0")
    stand_in("apt-get", "exit 0")
    done = run("deploy/local/venv.sh")
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stdout


def test_a_selected_python_is_preferred(run: Run, stand_in: StandIn, pythons: Callable[[str], None]) -> None:
    pythons(TOO_OLD)
    named = stand_in("my-python", GOOD)
    assert run("deploy/local/venv.sh", PYTHON=str(named)).returncode == 0
