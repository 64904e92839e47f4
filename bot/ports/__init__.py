"""The ports: what the engine and the steps need from the outside world, as small Protocols.

Adapters raise only the errors of `bot.model.errors`; any other exception is a bug.
"""

from bot.ports.forge import Forge, Source
from bot.ports.images import Builder, BuildOrder, Built, Registry, TagRemoval
from bot.ports.jobs import JobEnding, JobOrder, Jobs, ReportProgress
from bot.ports.platform import (
    CopiedFile,
    Definition,
    Disks,
    DnsRecords,
    EnvironmentSpec,
    Platform,
    ServiceSpec,
    SetupSpec,
    SideBySide,
    Suspendable,
    TestOutput,
    TestSpec,
)
from bot.ports.sandbox import Sandbox
from bot.ports.surroundings import Clock, Log, LogReader, Renderer, Reports, Secrets

__all__ = [
    "BuildOrder",
    "Builder",
    "Built",
    "Clock",
    "CopiedFile",
    "Definition",
    "Disks",
    "DnsRecords",
    "EnvironmentSpec",
    "Forge",
    "JobEnding",
    "JobOrder",
    "Jobs",
    "Log",
    "LogReader",
    "Platform",
    "Registry",
    "Renderer",
    "ReportProgress",
    "Reports",
    "Sandbox",
    "Secrets",
    "ServiceSpec",
    "SetupSpec",
    "SideBySide",
    "Source",
    "Suspendable",
    "TagRemoval",
    "TestOutput",
    "TestSpec",
]
