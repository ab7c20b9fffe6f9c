"""The state of the service in Prometheus's text format: figures by authority, state and channel, and nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
OPEN_STATES = ("upcoming", "due", "overdue", "past", "on_hold")


def exposition(rows: Iterable[Mapping[str, Any]], alarms: Iterable[Mapping[str, Any]], *, held: bool) -> str:
    """Write what `status` knows; rows and alarms are as it has them."""
    known, open_alarms = list(rows), list(alarms)
    names = [row["authority"] for row in known]
    counts = Counter(alarm["authority"] for alarm in open_alarms)
    counted: list[Sample] = [({"authority": one}, counts[one]) for one in dict.fromkeys((*names, *sorted(counts), "*"))]
    families: tuple[tuple[str, str, list[Sample]], ...] = (
        ("sending_held", "1 while nothing is sent after a restore.", [({}, float(held))]),
        ("authority_usable", "0 where the plugin of an authority is refused.", _each(known, lambda r: not r["faults"])),
        ("cases", "Cases that are known, closed ones too.", _each(known, lambda r: r["cases"])),
        ("milestones_open", "Open milestones by state.", [*_milestones(known)]),
        ("deliveries", "Notices to be sent or sent, by channel and state.", [*_deliveries(known)]),
        ("alarms_open", "Alarms that stand; those of no one authority under *.", counted),
        ("last_turn_timestamp_seconds", "When the last turn looked at an authority.", [*_turns(known)]),
    )
    return "".join(_family(f"ehscheduler_{name}", said, samples) for name, said, samples in families)


def _each(rows: list[Mapping[str, Any]], figure: Any) -> list[Sample]:
    return [({"authority": row["authority"]}, float(figure(row))) for row in rows]


def _milestones(rows: list[Mapping[str, Any]]) -> Iterator[Sample]:
    for row in rows:
        for state in OPEN_STATES if row["states"] is not None else ():
            yield {"authority": row["authority"], "state": state}, row["states"].get(state, 0)


def _deliveries(rows: list[Mapping[str, Any]]) -> Iterator[Sample]:
    for row in rows:
        for (channel, state), count in sorted(row["channels"].items()):
            yield {"authority": row["authority"], "channel": channel, "state": state}, count


def _turns(rows: list[Mapping[str, Any]]) -> Iterator[Sample]:
    for row in rows:
        if row["last_tick"]:
            yield {"authority": row["authority"]}, datetime.fromisoformat(row["last_tick"]).timestamp()


def _family(name: str, said: str, samples: list[Sample]) -> str:
    head = f"# HELP {name} {said}\n# TYPE {name} gauge\n"
    return head + "".join(f"{name}{_labels(labels)} {value:.15g}\n" for labels, value in samples)


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
