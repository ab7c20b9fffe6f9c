"""The command line: one command for each thing a person does."""

from ehscheduler.cli import acts, answers, policies, service
from ehscheduler.cli.common import app

__all__ = ["acts", "answers", "app", "policies", "service"]
