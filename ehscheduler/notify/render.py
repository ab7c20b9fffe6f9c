"""From a message's plain fields to a subject, a text and an HTML page.

Templates see frozen records of words, numbers and dates, and nothing else; case fields are never part of a
template's source.
"""

from collections.abc import Callable, Mapping
from datetime import date
from textwrap import TextWrapper
from typing import Any

from jinja2 import BaseLoader, PackageLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ehscheduler.notify import messages, sections, whitelist, words
from ehscheduler.notify.mail import Rendered
from ehscheduler.notify.messages import (
    Alarm,
    Baseline,
    Digest,
    Dispute,
    Escalation,
    Immediate,
    Line,
    Message,
    MessageRefused,
    Operator,
    Step,
    Weekly,
)

WIDTH = 76
PAGE_LENGTH = 1_000_000
TEMPLATES: Mapping[type, str] = {
    Digest: "digest",
    Escalation: "escalation",
    Dispute: "dispute",
    Immediate: "immediate",
    Baseline: "baseline",
    Operator: "operator",
    Weekly: "weekly",
}
PARTS = {
    "decide": ("{} decision needed", "{} decisions needed"),
    "handover": ("{} handed over to you", "{} handed over to you"),
    "today": ("{} due today", "{} due today"),
    "coming": ("{} due by {}", "{} due by {}"),
    "past": ("{} past its date", "{} past their date"),
    "open": ("{} with no set time", "{} with no set time"),
    "look": ("{} to look at", "{} to look at"),
    "changed": ("{} date changed", "{} dates changed"),
    "up": ("{} past its date and now with you", "{} past their date and now with you"),
}
WEEK_PARTS = {
    "decide": ("{} decision", "{} decisions"),
    "coming": ("{} due", "{} due"),
    "past": ("{} past its date", "{} past their date"),
}
SUBJECT_PARTS = ("decide", "handover", "today", "coming", "past", "up")


def environment(loader: BaseLoader | None = None) -> ImmutableSandboxedEnvironment:
    """Make a Jinja2 environment with our few filters, no globals and no undefined names."""
    made = ImmutableSandboxedEnvironment(
        loader=loader or PackageLoader("ehscheduler.notify"),
        autoescape=lambda name: name is None or not name.endswith(".txt.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in ("escape", "length")} | FILTERS
    return made


def render(message: Message, *, templates: ImmutableSandboxedEnvironment | None = None) -> Rendered:
    """Render a message, or raise `MessageRefused` with everything that forbids it."""
    plain = whitelist.whitelisted(message)
    faults = messages.faults_of(message)  # as given: tidying would hide a bad letter in a link
    if faults:
        raise MessageRefused(faults)
    env = templates or ENVIRONMENT
    name = TEMPLATES[type(plain)]
    context = whitelist.whitelisted_context(context_of(plain))
    return Rendered(
        subject=context["subject"],
        text=_page(env, f"{name}.txt.j2", context),
        html=_page(env, f"{name}.html.j2", context),
    )


def context_of(message: Message) -> dict[str, Any]:
    """Give everything that a template may see."""
    lines = messages.lines_of(message)
    listed = message.lines if isinstance(message, Digest) else lines
    return {
        "message": message,
        "subject": subject(message),
        "summary": summary(message),
        "shared_recorded": shared_recorded(lines),
        "shared_stands_in": shared_stands_in(lines),
        "sections": sections.sections(listed, message.day) if isinstance(message, Digest) else (),
        "groups": sections.groups(listed),
        "weeks": tuple(map(sections.week_of, message.teams)) if isinstance(message, Weekly) else (),
    }


def _page(env: ImmutableSandboxedEnvironment, name: str, context: Mapping[str, Any]) -> str:
    try:
        page = env.get_template(name).render(context)
    except TemplateError as fault:
        raise MessageRefused([f"template {name}: {fault}"]) from fault
    if len(page) > PAGE_LENGTH:
        raise MessageRefused([f"template {name} gave more than {PAGE_LENGTH} characters"])
    return page.rstrip("\n") + "\n"


def subject(message: Message) -> str:
    """Give the subject: fixed words, counts and dates, and never a word from a case."""
    if isinstance(message, Operator):
        return f"Early Help scheduler: {words.count_words(len(message.alarms), 'alarm')}"
    return f"Early Help: {_SUBJECTS[type(message)](message)}{_part(message)}"


def _part(message: Message) -> str:
    if isinstance(message, Digest | Escalation | Baseline | Weekly) and message.parts > 1:
        return f" (part {message.part} of {message.parts})"
    return ""


def _digest_subject(message: Digest) -> str:
    counts = counted(messages.lines_of(message), message.day)
    main = [text for name, text in counts.items() if name in SUBJECT_PARTS]
    return ", ".join(main or counts.values())


def _escalation_subject(message: Escalation) -> str:
    return f"{_past(len(message.lines))}, now with you"


def _dispute_subject(message: Dispute) -> str:
    due = [day for step in message.steps if (day := step.decide_on or step.line.due_on)]
    was = ", was due" if due and min(due) < message.day else ""
    by = f"{was} by {words.short_day_words(min(due))}" if due else ""
    return f"{words.count_words(len(message.steps), 'decision')} needed{by}"


def _immediate_subject(message: Immediate) -> str:
    counts = counted(message.lines, message.day)
    return f"{', '.join(counts.values())}, told at once"


def _baseline_subject(message: Baseline) -> str:
    return f"starting list, {_past(len(message.lines))} on {words.short_day_words(message.live_from)}"


def _weekly_subject(message: Weekly) -> str:
    found = [name for week in map(sections.week_of, message.teams) for name in _week_counts(week)]
    sums = {name: found.count(name) for name in WEEK_PARTS}
    counts = [WEEK_PARTS[name][n > 1].format(n) for name, n in sums.items() if n]
    about = message.teams[0].team if len(message.teams) == 1 else words.count_words(len(message.teams), "team")
    return f"the week in {about}, {', '.join(counts) or 'nothing due'}"


def _week_counts(week: sections.Week) -> list[str]:
    names = {heading: name for name, heading in sections.WEEK_HEADINGS.items()}
    return [names[section.heading] for section in week.sections for _ in section.lines]


def _past(count: int) -> str:
    return PARTS["past"][count > 1].format(count)


_SUBJECTS: Mapping[type, Callable[[Any], str]] = {
    Digest: _digest_subject,
    Escalation: _escalation_subject,
    Dispute: _dispute_subject,
    Immediate: _immediate_subject,
    Baseline: _baseline_subject,
    Weekly: _weekly_subject,
}


def counted(lines: tuple[Line, ...], day: date) -> dict[str, str]:
    """Count the lines of each section in words, in reading order."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(sections.section_of(line, day), []).append(line)
    counts = {}
    for name in sections.HEADINGS:
        own = found.get(name, [])
        if own:
            last = max((line.due_on for line in own if line.due_on), default=day)
            counts[name] = PARTS[name][len(own) > 1].format(len(own), words.short_day_words(last))
    return counts


def summary(message: Message) -> str:
    """Sum a message up in one sentence of counts."""
    if isinstance(message, Digest | Immediate):
        return words.list_words(list(counted(messages.lines_of(message), message.day).values())) + "."
    if isinstance(message, Escalation | Baseline):
        return f"{_past(len(message.lines))}."
    return ""


def shared_recorded(lines: tuple[Line, ...]) -> str:
    """Give where the facts were recorded, if it is the same for every line, so that it is said once."""
    found = {line.recorded for line in lines}
    return found.pop() if len(found) == 1 and len(lines) > 1 else ""


def shared_stands_in(lines: tuple[Line, ...]) -> str:
    """Give why all of a message comes to this reader, if it is the same for every line, so that it is said once."""
    found = {line.stands_in for line in lines}
    return found.pop() if len(found) == 1 and len(lines) > 1 else ""


def wrap(text: str, indent: int = 0) -> str:
    """Wrap a paragraph of the text part; links stay whole."""
    pad = " " * indent
    wrapper = TextWrapper(
        WIDTH, initial_indent=pad, subsequent_indent=pad, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.fill(text)


def sentence(text: str) -> str:
    """Give a phrase a capital and a full stop."""
    return ends(text[:1].upper() + text[1:]) if text else ""


def ends(text: str) -> str:
    """Give words a full stop."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def when(line: Line) -> str:
    """Say a line's window, and how long ago a missed one was."""
    ago = f", {words.count_words(line.days_over, 'day')} ago" if line.days_over > 0 else ""
    moved = f"the date was {words.day_words(line.was_due_on)}. Now: " if line.was_due_on else ""
    return sentence(f"{moved}{line.window}{ago}")


def notes(line: Line) -> tuple[str, ...]:
    """Give the reservations that a date carries, in fixed words."""
    said = (
        (line.force == "guide", "Good practice, not a limit."),
        (line.reading_ours, "Our reading of the clause, which the council has not signed yet."),
        (line.reading_unsigned and not line.reading_ours, "The council has not signed this reading of the clause yet."),
        (line.calendar_forecast, "A bank holiday behind this date is a forecast."),
        (line.edition_past_review, "This edition of the policy is past its review date."),
        (line.anchor_time_unknown, "No time of day was recorded, so the clock starts at the end of that day."),
    )
    return tuple(words_ for holds, words_ in said if holds)


def underline(text: str) -> str:
    """Give a heading of the text part with its underline; `=` would be `=3D` to whoever opens an `.eml` file."""
    return f"{text}\n{'-' * len(text)}"


def next_words(step: Step) -> str:
    """Say what follows if this step of a dispute passes without a decision."""
    if step.final:
        return "this is the last step; it comes again each working morning until a decision is recorded."
    return f"without a recorded decision by then it goes to the {step.goes_to_next or 'next on the ladder'}."


def why_words(step: Step) -> str:
    """Say in which role a reader is asked to decide, and for whom they stand in."""
    again = f", first at {step.asked_first} and now again, as no decision is recorded" if step.asked_first else ""
    asked = f"you are asked as {words.list_words(step.asked_as)}{again}." if step.asked_as else ""
    return " ".join(said for said in (sentence(asked), step.line.stands_in) if said)


def asks_words(step: Step) -> str:
    """Say what a step of a dispute asks of whoever decides at it."""
    if step.at_odds:
        return f"{sentence(step.asks)} You have recorded different decisions: it is decided when you record the same."
    if step.together:
        return f"{sentence(step.asks)} All who decide at this step must record the same decision."
    return sentence(step.asks)


def alarm_count(alarm: Alarm) -> str:
    """Say how often an alarm was raised."""
    return "once" if alarm.count == 1 else f"{alarm.count} times"


FILTERS: dict[str, Callable[..., Any]] = {
    "alarm_count": alarm_count,
    "asks_words": asks_words,
    "day": words.day_words,
    "ends": ends,
    "next_words": next_words,
    "notes": notes,
    "sentence": sentence,
    "told": "; ".join,
    "underline": underline,
    "when": when,
    "why_words": why_words,
    "wrap": wrap,
}
ENVIRONMENT = environment()
