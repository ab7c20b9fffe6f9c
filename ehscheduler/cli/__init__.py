"""The command line: one command for each thing a person does."""

from ehscheduler.cli import acts, answers, demo, policies, service
from ehscheduler.cli.common import app

__all__ = ["acts", "answers", "app", "demo", "policies", "service"]
