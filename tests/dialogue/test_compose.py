"""Repositories that a Compose file describes."""

from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO

FILE = "docker-compose.yml"
COMPOSE = """\
services:
  web:
    build: .
    ports: ["8000:8000"]
    environment:
      DATABASE_URL: postgresql://postgres:${PASSWORD}@db/postgres
    depends_on: [db]
  worker:
    build: .
    command: python worker.py
    depends_on: [db]
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: "${PASSWORD}"}
    volumes: ["data:/var/lib/postgresql/data"]
volumes: {data: {}}
"""
COMPOSE_ONLY = {
    "Dockerfile": None,
    "web/Dockerfile": "FROM scratch\n",
    FILE: COMPOSE,
    ".env": "PASSWORD=preview\n",
}


async def based_on(tester: OfflineTester, files: dict[str, str | None]) -> None:
    """Commit to the base branch."""
    await tester.gitee.commit(REPO, "master", files, by="lin")


async def test_a_compose_file_alone_describes_the_preview(tester: OfflineTester) -> None:
    await based_on(tester, COMPOSE_ONLY)
    said = await tester.opened()
    assert "Preview ready" in said
    (spec,) = tester.world.deployed.values()
    assert (spec.port, spec.aliases) == (8000, ("web",))
    assert spec.env["DATABASE_URL"] == "postgresql://postgres:preview@db/postgres"
    assert [(one.name, one.built, one.port) for one in spec.services] == [
        ("db", False, 5432),
        ("worker", True, None),
    ]
    assert [order.tag.partition(":")[0].rpartition("/")[2] for order in tester.world.built][:1] == ["web"]


async def test_a_broken_compose_file_is_reported_with_its_place(tester: OfflineTester) -> None:
    broken = COMPOSE.replace("    image: postgres:16\n", "    image: postgres:16\n    privileged: true\n")
    await based_on(tester, {**COMPOSE_ONLY, FILE: broken})
    said = await tester.opened()
    assert f"`{FILE}` on `master` has 1 error" in said
    assert "Line 14, column 5, `services.db.privileged`: Not allowed" in said
    assert "To have nothing run automatically, add one with `on: {open: [], update: []}`" in said
    await tester.push()
    await tester.says_nothing()
    assert f"`{FILE}` on `master` has 1 error" in await tester.says("/deploy")


async def test_a_dockerfile_in_the_root_comes_first_and_the_comment_says_so(tester: OfflineTester) -> None:
    await based_on(tester, {FILE: COMPOSE})
    said = await tester.opened()
    assert "Preview ready" in said
    hint = f"For the services of `{FILE}` as well, add `deploy: {{compose: {FILE}}}`"
    assert hint in said
    assert hint not in await tester.says("/deploy")
    await tester.push()
    assert hint not in await tester.read()
    (spec,) = tester.world.deployed.values()
    assert spec.services == ()


async def test_the_configuration_names_a_compose_file_and_adds_to_it(tester: OfflineTester) -> None:
    await based_on(tester, {"deploy/stack.yml": COMPOSE.replace("build: .", "build: .."), ".env": None})
    await based_on(tester, {"deploy/.env.example": "PASSWORD=example\n"})
    await tester.configure("deploy: {compose: deploy/stack.yml, env: {EXTRA: '1'}, ttl: 8h}\n")
    assert "Preview ready" in await tester.opened()
    (spec,) = tester.world.deployed.values()
    assert spec.env["DATABASE_URL"] == "postgresql://postgres:example@db/postgres"
    assert spec.env["EXTRA"] == "1"


async def test_a_change_of_the_compose_file_is_checked_and_counts_from_the_merge_on(
    tester: OfflineTester,
) -> None:
    await based_on(tester, COMPOSE_ONLY)
    said = await tester.opened(files={FILE: COMPOSE.replace("8000:8000", "80:8080")})
    assert f"This PR changes `{FILE}`. The change takes effect once it is merged" in said
    (spec,) = tester.world.deployed.values()
    assert spec.port == 8000
    await tester.open(files={FILE: COMPOSE.replace("depends_on: [db]", "depends_on: [wroker]", 1)})
    warning, run = await tester.read_all()
    assert f"`{FILE}` in this PR has 1 error" in warning
    assert "id you mean `worker`?" in warning
    assert "Preview ready" in run
