"""JSON of Jenkins' API."""

from collections.abc import Mapping
from typing import Any

from playground.jenkins.scheduling import Scheduler
from playground.jenkins.state import BUILD_CLASSES, JOB_CLASSES, Build, Job, QueueItem, job_path

_FOLDER = "com.cloudbees.hudson.plugins.folder.Folder"


class JenkinsSerializer:
    """Creates JSON objects of one Jenkins, whose clock is ahead by `skew` seconds."""

    def __init__(self, scheduler: Scheduler, url: str, skew: float) -> None:
        self._scheduler = scheduler
        self._url = url
        self._skew = skew

    def root(self) -> dict[str, Any]:
        """Return the root object."""
        names = sorted({name.partition("/")[0] for name in self._scheduler.jobs})
        return {
            "_class": "hudson.model.Hudson",
            "mode": "NORMAL",
            "numExecutors": self._scheduler.executors,
            "jobs": [self._listed(name) for name in names],
            "quietingDown": self._scheduler.quieting_down,
            "url": f"{self._url}/",
            "useCrumbs": True,
            "useSecurity": True,
        }

    def folder(self, name: str) -> dict[str, Any]:
        """Return a folder with its items."""
        inside = {one.removeprefix(f"{name}/").partition("/")[0] for one in self._scheduler.jobs
                  if one.startswith(f"{name}/")}  # fmt: skip
        return {
            "_class": _FOLDER,
            "fullName": name,
            "name": name.rpartition("/")[2],
            "url": f"{self._url}/{job_path(name)}/",
            "jobs": [self._listed(f"{name}/{one}") for one in sorted(inside)],
        }

    def job(self, job: Job) -> dict[str, Any]:
        """Return a job with its builds."""
        builds = [self.build(job.builds[number]) for number in sorted(job.builds, reverse=True)]
        waiting = [item for item in self._scheduler.items.values() if item.waiting and item.job is job]
        return {
            **self._task(job),
            "actions": [{}],
            "fullName": job.name,
            "displayName": job.name.rpartition("/")[2],
            "buildable": job.buildable,
            "builds": builds,
            "inQueue": bool(waiting),
            "lastBuild": builds[0] if builds else None,
            "nextBuildNumber": job.next_number,
            "property": [] if job.parameters is None else [_definitions(job.parameters)],
            "queueItem": self.item(waiting[0]) if waiting else None,
            "concurrentBuild": job.concurrent,
        }

    def build(self, build: Build) -> dict[str, Any]:
        """Return a build."""
        return {
            "_class": BUILD_CLASSES[build.job.kind],
            "actions": [_parameters(build.parameters), _cause(build.user), {}],
            "artifacts": [_artifact(path) for path in build.artifacts],
            "building": build.building,
            "inProgress": build.building,
            "description": None,
            "displayName": f"#{build.number}",
            "duration": int(build.duration * 1000),
            "fullDisplayName": f"{build.job.name.replace('/', ' » ')} #{build.number}",
            "id": str(build.number),
            "keepLog": False,
            "number": build.number,
            "queueId": build.queue_id,
            "result": build.result,
            "timestamp": int((build.started_at + self._skew) * 1000),
            "url": self.build_url(build),
        }  # fmt: skip

    def build_url(self, build: Build) -> str:
        """Return the URL of a build."""
        return f"{self._url}/{job_path(build.job.name)}/{build.number}/"

    def queue(self) -> dict[str, Any]:
        """Return the waiting items, newest first."""
        waiting = [item for item in self._scheduler.items.values() if item.waiting]
        return {
            "_class": "hudson.model.Queue",
            "discoverableItems": [],
            "items": [self.item(item) for item in reversed(waiting)],
        }

    def item(self, item: QueueItem) -> dict[str, Any]:
        """Return a queue item; its class depends on its state."""
        found: dict[str, Any] = {
            "_class": f"hudson.model.Queue${self._item_class(item)}",
            "actions": [_parameters(item.parameters), _cause(item.user)],
            "blocked": self._item_class(item) == "BlockedItem",
            "buildable": self._item_class(item) == "BuildableItem",
            "id": item.id,
            "inQueueSince": int((item.since + self._skew) * 1000),
            "params": "".join(f"\n{name}={value}" for name, value in item.parameters.items()),
            "stuck": False,
            "task": self._task(item.job),
            "url": f"queue/item/{item.id}/",
            "why": self._scheduler.why(item) or "???" if item.waiting else None,
        }
        if item.waiting:
            return found
        return {**found, "cancelled": item.cancelled, "executable": self._executable(item.build)}

    def _item_class(self, item: QueueItem) -> str:
        if not item.waiting:
            return "LeftItem"
        if item.quiet_until > self._scheduler.now():
            return "WaitingItem"
        return "BlockedItem" if item.job.running and not item.job.concurrent else "BuildableItem"

    def _executable(self, build: Build | None) -> dict[str, Any] | None:
        if build is None:
            return None
        found = self.build(build)
        return {key: found[key] for key in ("_class", "number", "url")}

    def _task(self, job: Job) -> dict[str, Any]:
        color = "disabled" if not job.buildable else "blue_anime" if job.running else "blue"
        return {
            "_class": JOB_CLASSES[job.kind],
            "name": job.name.rpartition("/")[2],
            "url": f"{self._url}/{job_path(job.name)}/",
            "color": color,
        }

    def _listed(self, name: str) -> dict[str, Any]:
        job = self._scheduler.jobs.get(name)
        if job is not None:
            return self._task(job)
        return {"_class": _FOLDER, "name": name.rpartition("/")[2], "url": f"{self._url}/{job_path(name)}/"}


def _artifact(path: str) -> dict[str, str]:
    name = path.rpartition("/")[2]
    return {"displayPath": name, "fileName": name, "relativePath": path}


def _parameters(values: Mapping[str, str]) -> dict[str, Any]:
    return {
        "_class": "hudson.model.ParametersAction",
        "parameters": [
            {"_class": "hudson.model.StringParameterValue", "name": name, "value": value}
            for name, value in values.items()
        ],
    }


def _definitions(defaults: Mapping[str, str]) -> dict[str, Any]:
    return {
        "_class": "hudson.model.ParametersDefinitionProperty",
        "parameterDefinitions": [
            {
                "_class": "hudson.model.StringParameterDefinition",
                "defaultParameterValue": {
                    "_class": "hudson.model.StringParameterValue",
                    "name": name,
                    "value": value,
                },
                "description": None,
                "name": name,
                "type": "StringParameterDefinition",
            }
            for name, value in defaults.items()
        ],
    }


def _cause(user: str) -> dict[str, Any]:
    cause = {
        "_class": "hudson.model.Cause$UserIdCause",
        "shortDescription": f"Started by user {user}",
        "userId": user,
        "userName": user,
    }
    return {"_class": "hudson.model.CauseAction", "causes": [cause]}
