"""The command line: one command for each thing a person does."""

from ehscheduler.cli import setup, acts, disputes, answers, drift, report, people, demo, policies, service, coverage  # noqa: I001 - the help is in this order
from ehscheduler.cli.common import app

__all__ = [
    "acts",
    "answers",
    "app",
    "coverage",
    "demo",
    "disputes",
    "drift",
    "people",
    "policies",
    "report",
    "service",
    "setup",
]
