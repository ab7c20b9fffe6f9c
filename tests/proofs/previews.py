"""Edits of a policy, of what it counts by and of what a council sets: so many of each kind, by a seed."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from ehscheduler.core.reading import read_policy
from ehscheduler.errors import PolicyRefused

LENGTH = re.compile(r'(?m)^(due|every) += "(\d+) (working days?|days?|weeks?|hours?|months?)(?= after| before|")')
TABLE = re.compile(r"(?m)^\[(?:standard|rhythm|check)\.([a-z0-9-]+)\]$")
OWNER = re.compile(r'(?m)^owner += "([a-z_]+)"$')
REMIND = re.compile(r"(?m)^remind += \[[^\]]*\]$")


@dataclass(frozen=True)
class Edit:
    """One edit: the policy's text, days on which the council is closed, and what its configuration says instead."""

    kind: str
    said: str
    text: str
    closed: tuple[date, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


def edits(text: str, name: str, today: date, *, of_each: int, seed: int) -> Iterator[Edit]:
    """Yield so many edits of each kind that the policy reader takes."""
    rng = random.Random(seed)
    for make in (_lengths, _gone, _come, _owners, _reminders, _editions, _closures, _settings):
        made: dict[str, Edit] = {}
        while len(made) < of_each:
            one = make(text, name, today, rng)
            if one.said not in made and one.said != "nothing" and _reads(one.text):
                made[one.said] = one
        yield from made.values()


def _reads(text: str) -> bool:
    try:
        read_policy(text, "edited.toml")
    except PolicyRefused:
        return False
    return True


def _at(text: str, found: re.Match[str], new: str) -> str:
    return text[: found.start()] + new + text[found.end() :]


def _lengths(text: str, name: str, today: date, rng: random.Random) -> Edit:
    found = rng.choice(list(LENGTH.finditer(text)))
    n = max(1, int(found[2]) + rng.choice([-5, -3, -2, -1, 1, 2, 4, 10]))
    unit = found[3].rstrip("s") + ("s" if n > 1 else "")
    return Edit("length", f"{found[0]} at {found.start()}: {n}", _at(text, found, f'{found[1]} = "{n} {unit}'))


def _block(text: str, found: re.Match[str]) -> str:
    end = re.search(r"(?m)^\[", text[found.end() :])
    return text[found.start() : found.end() + (end.start() if end else len(text))]


def _gone(text: str, name: str, today: date, rng: random.Random) -> Edit:
    found = rng.choice(list(TABLE.finditer(text)))
    return Edit("gone", found[1], text.replace(_block(text, found), ""))


def _come(text: str, name: str, today: date, rng: random.Random) -> Edit:
    found = rng.choice([one for one in TABLE.finditer(text) if LENGTH.search(_block(text, one))])
    block = _block(text, found)
    length = LENGTH.search(block)
    assert length
    n = int(length[2]) + rng.randint(1, 6)
    new = _at(block, length, f'{length[1]} = "{n} {length[3].rstrip("s")}s').replace(
        f".{found[1]}]", f".{found[1]}-new]"
    )
    return Edit("come", f"{found[1]} {n}", text.replace(block, block + new))


def _owners(text: str, name: str, today: date, rng: random.Random) -> Edit:
    places = list(OWNER.finditer(text))
    found, other = rng.choice(places), rng.choice(places)
    said = "nothing" if found[1] == other[1] else f"{found.start()}: {other[1]}"
    return Edit("owner", said, _at(text, found, other[0]))


def _reminders(text: str, name: str, today: date, rng: random.Random) -> Edit:
    found, n = rng.choice(list(TABLE.finditer(text))), rng.randint(1, 9)
    block = _block(text, found)
    line = f'remind = ["{n} working days before", "on the day"]'
    new = REMIND.sub(line, block) if REMIND.search(block) else block.rstrip("\n") + f"\n{line}\n\n"
    return Edit("reminders", f"{found[1]} {n}", text.replace(block, new))


def _editions(text: str, name: str, today: date, rng: random.Random) -> Edit:
    """Make a further edition, in force from a day within two months, with a third of its lengths changed."""
    new = text
    for found in reversed(list(LENGTH.finditer(text))):
        if rng.random() < 0.3:
            unit = found[3].rstrip("s")
            new = _at(new, found, f'{found[1]} = "{int(found[2]) + rng.randint(1, 5)} {unit}s')
    since = today - timedelta(days=rng.randint(0, 60))
    transition = rng.choice(["keep", "move open clocks", "from next cycle"])
    new = re.sub(r"(?m)^in_force *=.*$", f"in_force = {since.isoformat()}", new)
    new = re.sub(r"(?m)^transition *=.*\n", "", new)
    new = re.sub(r"(?m)^review_by *=.*\n", "", new)
    new = re.sub(r"(?m)^edition *=.*$", f'edition = "next"\ntransition = "{transition}"', new)
    return Edit("edition", f"{since} {transition}", new)


def _closures(text: str, name: str, today: date, rng: random.Random) -> Edit:
    days = sorted({today + timedelta(days=rng.randint(-20, 30)) for _ in range(rng.randint(1, 4))})
    return Edit("closure", str(days), text, closed=tuple(days))


def _settings(text: str, name: str, today: date, rng: random.Random) -> Edit:
    rules = [found[1] for found in re.finditer(r"(?m)^\[(?:standard|rhythm)\.([a-z0-9-]+)\]$", text)]
    span, back = f"{rng.randint(1, 6)} working days", rng.randint(1, 50)
    choices: list[Callable[[], Mapping[str, Any]]] = [
        lambda: {"ladders": {name: {"overdue": [{"who": ["line_manager"], "after": span}]}}},
        lambda: {"live": {name: {"from": today - timedelta(days=back)}}},
        lambda: {"live": {name: {"rules": sorted(rng.sample(rules, len(rules) // 2)), "from": date(2026, 1, 1)}}},
        lambda: {"live": {name: {"mode": "shadow", "from": today - timedelta(days=back)}}},
    ]
    config = rng.choice(choices)()
    return Edit("settings", str(config), text, config=config)
