"""Figures for a program that watches: counts alone, which name no case and nobody."""

from sqlalchemy import func, select

from ehscheduler.store.schema import delivery
from ehscheduler.store.tx import Tx


def deliveries_by_channel(tx: Tx, authority: str) -> dict[tuple[str, str], int]:
    """Count the deliveries of an authority by channel and state."""
    c = delivery.c
    by = (
        select(c.channel, c.state, func.count().label("n")).where(c.authority == authority).group_by(c.channel, c.state)
    )
    return {(row.channel, row.state): row.n for row in tx.execute(by)}
