"""The words that all authorities share: events, case attributes, reasons. A policy adds its own."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

EVENTS = frozenset(
    """
    referral_received referral_passed referral_declined received_into_team referral_screened allocation worker_changed
    contact_attempted contact_made home_visit family_seen unannounced_visit
    risk_assessment_completed genogram_completed culturegram_completed
    assessment_completed assessment_agreed assessment_reviewed additional_assessment_completed
    plan_completed plan_agreed plan_signed_off taf_held review_held voice_recorded contact_recorded
    supervision_held oversight_noted dispute_raised dispute_escalated dispute_resolved hold_started hold_ended
    relaxation_agreed relaxation_reviewed relaxation_ended extension_approved concern_raised plan_not_working
    dispute_answered dispute_decided dispute_withdrawn acknowledged relaxation_noted_late left_without_dates
    closed reopened attributes_changed retracted
    """.split()
)

TITLES = {
    "contact_recorded": "contact written up",
    "oversight_noted": "management oversight noted",
    "taf_held": "TAF meeting held",
    "voice_recorded": "child's voice recorded",
}
"""What people call a shared event, where its name alone does not say it."""

FACTS = {
    "team": "word",
    "locality": "word",
    "lead": "word",
    "level": "number",
    "urgent": "yes/no",
    "step_down": "yes/no",
    "step_down_origin": "word",
    "index_child_dob": "date",
    "case_kind": "word",
    "neglect": "yes/no",
    "cse_band": "word",
    "performance_date": "date",
    "court_order_end": "date",
    "meeting_hub": "word",
    "service": "word",
    "restricted": "yes/no",
    "children": "children",
}

FACT_KINDS = ("word", "number", "yes/no", "date", "duration")

PERSONAL_FACTS = frozenset({"index_child_dob", "children"})
"""Attributes that are personal data: kept with the other personal fields of a case."""

DETAIL_ONLY = {
    **{f"dispute_{step}": {"level"} for step in ("raised", "answered", "decided", "escalated", "resolved")},
    "acknowledged": {"person", "reason", "until"},
}
"""Detail keys that share a name with a case attribute but speak of the event alone."""

ASKED_OF_DETAIL = ("age", "stage", "about", "by_role", "origin", "reason", "method")
"""What a rule's condition may ask of the event that starts its clock, beside the declared facts."""

REASONS = ("family", "capacity", "partner", "system")
"""Why something is late, in codes: no free text goes into a message or a count."""

BUILT_IN_ROLES = {"lead": "lead professional", "line_manager": "line manager"}


def is_restricted(facts: Mapping[str, Any]) -> bool:
    """Tell whether named people alone may know of a case: by mail to them, and by nothing that others read."""
    return facts.get("restricted") is True


def nearest(word: str, known: "frozenset[str] | set[str] | dict[str, str] | list[str] | tuple[str, ...]") -> str:
    """Return a hint that names the nearest known word, or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
