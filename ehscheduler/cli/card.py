"""The proof card as people read it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ehscheduler.core.saying import said_moment


def show_card(out: Console, card: Mapping[str, Any]) -> None:
    """Print one card: the sentences, the readings, the walk by weeks, and what was sent."""
    head = f"{card['case']}  {card['title']}  (clause {card['clause']})"
    parts: list[Any] = [Text(sentence) for sentence in card["why"]]
    for reading in card["readings_in_words"]:
        state = f"signed by {reading['signed_by']}" if reading["signed_by"] else "ours, not signed by the council"
        parts += [Text(""), Text(f"Reading {reading['id']} ({state})", style="bold")]
        parts += [Text(f"  {reading['asks']}"), Text(f"  {reading['answer']}")]
    if card["walk"]:
        parts += [Text(""), _walk(card["walk"])]
    parts += [Text(""), *_told(card.get("told", []))]
    out.print(Panel(Group(*parts), title=head, title_align="left", expand=False))


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
        first.setdefault((year, week), f"{day.day} {day:%b %Y}")
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


def _told(told: list[dict[str, Any]]) -> list[Text]:
    if not told:
        return [Text("Nobody has been told about this yet.")]
    lines = [Text("Told", style="bold")]
    for one in told:
        sent = said_moment(datetime.fromisoformat(one["sent_at"])) if one["sent_at"] else one["state"].replace("_", " ")
        answer = f", answer: {one['server_answer']}" if one["server_answer"] else ""
        why = f" ({one['why']})" if one["why"] else ""
        lines.append(Text(f"  {one['kind']} to {one['recipient']}: {sent}{why}{answer}"))
    return lines
