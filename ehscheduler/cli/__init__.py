"""The command line: one command for each thing a person does."""

# The help lists commands in this order.
from ehscheduler.cli import setup, acts, disputes, answers, drift, report, people  # noqa: I001
from ehscheduler.cli import demo, policies, policy_diff, handbook, plugin, preview
from ehscheduler.cli import outbox, shadow, service, status, coverage, calendar, backup
from ehscheduler.cli.common import app

__all__ = [
    "acts",
    "answers",
    "app",
    "backup",
    "calendar",
    "coverage",
    "demo",
    "disputes",
    "drift",
    "handbook",
    "outbox",
    "people",
    "plugin",
    "policies",
    "policy_diff",
    "preview",
    "report",
    "service",
    "setup",
    "shadow",
    "status",
]
