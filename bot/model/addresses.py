"""Public addresses: the bot's pages and the previews."""

from dataclasses import dataclass
from urllib.parse import quote

from bot.model.environment import Environment
from bot.model.forge import RepoPath
from bot.model.plan import StepName
from bot.model.run import Run
from bot.model.views import Links

WELL_KNOWN = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Builds public addresses. If `public_url` is empty, people cannot reach the pages."""

    public_url: str
    preview_domain: str
    preview_scheme: str = "http"
    preview_port: int = 80

    def host(self, host_label: str) -> str:
        """Return the hostname of a preview by its first label."""
        return f"{host_label}.{self.preview_domain}"

    def preview(self, host_label: str) -> str:
        """Return the URL of a preview by the first label of its hostname."""
        port = "" if WELL_KNOWN.get(self.preview_scheme) == self.preview_port else f":{self.preview_port}"
        return f"{self.preview_scheme}://{self.host(host_label)}{port}/"

    def environment(self, environment: Environment) -> str:
        """Return the environment's URL: the one that its deployer reported, otherwise the preview URL."""
        return environment.url or self.preview(environment.host)

    def public(self, host_label: str, path: str = "") -> str:
        """Return the URL of a public service by the first label of its hostname, and its path."""
        return f"{self.preview(host_label)}{path.removeprefix('/')}"

    def run(self, run: Run | int) -> str:
        """Return the page of a run; by its number alone, it is the page of the run that has it now."""
        return self._page(f"runs/{run if isinstance(run, int) else run.name}")

    def log(self, run: Run, step: StepName) -> str:
        """Return the address of a step's log, which is on the page of its run."""
        page = self.run(run)
        return f"{page}#{step}" if page else ""

    def services(self, run: Run, name: str = "") -> str:
        """Return the page with the output of what a run has deployed, at one service."""
        page = self.run(run)
        return f"{page}/services{f'#{quote(name)}' if name else ''}" if page else ""

    def report(self, run: Run) -> str:
        """Return the test report of a run."""
        return self._page(f"reports/{run.name}/")

    def pull(self, repo: RepoPath, number: int) -> str:
        """Return the page of a pull request."""
        return self._page(f"prs/{quote(repo.owner)}/{quote(repo.name)}/{number}")

    def links(self, run: Run) -> Links:
        """Return all links that a comment about a run may contain; a report only once there is one."""
        reported = any(record.result and record.result.tests for record in run.steps)
        return Links(
            run=self.run(run),
            report=self.report(run) if reported else "",
            logs={record.name: self.log(run, record.name) for record in run.steps if record.started_at},
            services=self.services(run),
            pull=self.pull(run.repo, run.number),
        )

    def _page(self, path: str) -> str:
        return f"{self.public_url.rstrip('/')}/{path}" if self.public_url else ""
