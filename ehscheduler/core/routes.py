"""Routes: which team takes a case at an event."""

from ehscheduler.core.clocks import condition
from ehscheduler.core.events import Event
from ehscheduler.core.history import History
from ehscheduler.core.policy import Route, Row


def team_for(route: Route, history: History, event: Event) -> str | None:
    """Return the team that a route leads to at an event: that of the first row that holds, or None."""
    for row in route.rows:
        if row.where is not None and condition(row.where, history, event, event.moment, event.moment, None) is not True:
            continue
        team = _to(row, history, event)
        if team:
            return team
    return None


def _to(row: Row, history: History, event: Event) -> str | None:
    if not row.latest:
        return row.to
    before = [e for e in history.occurrences(row.latest) if e.moment <= event.moment]
    if not before:
        return None
    team = before[-1].detail.get("team")
    return str(team) if team else None
