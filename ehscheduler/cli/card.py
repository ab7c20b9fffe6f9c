"""The proof card as people read it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ehscheduler.core.saying import said_day, said_moment


def show_card(out: Console, card: Mapping[str, Any]) -> None:
    """Print one card: the sentences, the readings, the walk by weeks, and what was sent."""
    head = f"{card['case']}  {card['title']}  (clause {card['clause']})"
    parts: list[Any] = [Text(sentence) for sentence in card["why"]]
    if card["walk"]:
        parts += [Text(""), _walk(card["walk"])]
    parts += [Text(""), *_told(card)]
    for reading in card["readings_in_words"]:
        state = f"signed by {reading['signed_by']}" if reading["signed_by"] else "ours, not signed by the council"
        parts += [Text(""), Text(f"Reading {reading['id']} ({state})", style="bold")]
        parts += [_under(reading["asks"]), _under(reading["answer"] or "No answer yet.")]
    out.print(Panel(Group(*parts), title=escape(head), title_align="left", expand=False))


def _under(text: str) -> Padding:
    """Set a text in from the left, its folded lines too."""
    return Padding(Text(text), (0, 0, 0, 2))


def _walk(walk: list[dict[str, Any]]) -> Table:
    """Lay the days out a week to a row: the number of each day that counts, a mark for one that does not."""
    table = Table(
        "week of", *("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), title="Day by day", title_justify="left"
    )
    weeks: dict[tuple[int, int], dict[int, str]] = {}
    first: dict[tuple[int, int], str] = {}
    for step in walk:
        day = datetime.fromisoformat(step["day"]).date()
        year, week, weekday = day.isocalendar()
        mark = str(step["number"]) if step["number"] is not None else _mark(step["why_not"])
        weeks.setdefault((year, week), {})[weekday] = mark
        monday = day - timedelta(days=weekday - 1)
        first.setdefault((year, week), f"{monday.day} {monday:%b %Y}")
    for key, days in weeks.items():
        table.add_row(first[key], *(days.get(weekday, "") for weekday in range(1, 8)))
    named = {
        s["why_not"]: s["said"] for s in walk if s["why_not"] and s["why_not"] not in ("Saturday", "Sunday", "on hold")
    }
    if named:
        table.caption = "; ".join(f"{name}: {day}" for name, day in named.items())
        table.caption_justify = "left"
    return table


def _mark(why: str) -> str:
    return {"Saturday": "-", "Sunday": "-", "on hold": "hold"}.get(why, "off")


def _told(card: Mapping[str, Any]) -> list[Any]:
    """Say who was told and what the server answered, the first first, and what was held back and why."""
    told, kept_back = card.get("told", []), card.get("kept_back", [])
    lines: list[Any] = [Text("Told", style="bold")] if told else [Text("Nobody has been told about this yet.")]
    for one in reversed(told):
        sent = said_moment(datetime.fromisoformat(one["sent_at"])) if one["sent_at"] else one["state"].replace("_", " ")
        answer = f"; the server answered: {one['server_answer']}" if one["server_answer"] else ""
        why = f" ({one['why']})" if one["why"] else ""
        lines.append(_under(f"{one['kind']} to {one['recipient'].replace(':', ' ')}: {sent}{why}{answer}"))
    for one in card.get("acknowledged", []):
        until, reason = said_day(date.fromisoformat(one["until"])), f" ({one['reason']})" if one["reason"] else ""
        at = said_moment(datetime.fromisoformat(one["at"]))
        lines.append(_under(f"acknowledged by person {one['person']} at {at}{reason}: quiet to the end of {until}"))
    if kept_back:
        lines += [Text(""), Text("Not told, and why", style="bold")]
    for one in kept_back:
        lines.append(_under(f"{one['kind']} of {said_moment(datetime.fromisoformat(one['at']))}: {one['why']}"))
    return lines
