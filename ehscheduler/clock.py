"""The one place that asks the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, aware, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
