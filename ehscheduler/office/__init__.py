"""The verbs a person has: record, correct, relax, acknowledge, hold, close, and take files in. One transaction each.

Every act is an event, a row of the trail, or both; none edits what was recorded before.
"""

from ehscheduler.office.acknowledge import acknowledge
from ehscheduler.office.acts import close, correct, hold, record, resume
from ehscheduler.office.agreements import extend, relax
from ehscheduler.office.cases import case_from, evaluation_of
from ehscheduler.office.disputes import (
    dispute_advance,
    dispute_answer,
    dispute_decide,
    dispute_open,
    dispute_withdraw,
)
from ehscheduler.office.entry import SOURCE, Act
from ehscheduler.office.files import FIRST_IMPORT, Taken, take_files
from ehscheduler.office.reach import bounce, prefer, reach_again

__all__ = [
    "FIRST_IMPORT",
    "SOURCE",
    "Act",
    "Taken",
    "acknowledge",
    "bounce",
    "case_from",
    "close",
    "correct",
    "dispute_advance",
    "dispute_answer",
    "dispute_decide",
    "dispute_open",
    "dispute_withdraw",
    "evaluation_of",
    "extend",
    "hold",
    "prefer",
    "reach_again",
    "record",
    "relax",
    "resume",
    "take_files",
]
