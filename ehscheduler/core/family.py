"""The children of a family as they come and go: since which event each is in it, and which event took them out.

Who is listed at the opening was there from the opening; so was who stands in the first list given, where none was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ehscheduler.core.events import Child, Event, precedes


@dataclass(frozen=True, slots=True)
class Member:
    """One child of the family: `joined` is None for one who was there from the opening, `left` for one still there."""

    child: Child
    joined: Event | None = None
    left: Event | None = None

    def there_at(self, event: Event) -> bool:
        """Tell whether the child was in the family at an event; the same date counts, unless both times are known."""
        if self.joined is not None and precedes(event, self.joined):
            return False
        return self.left is None or not precedes(self.left, event)

    def there_on(self, day: date) -> bool:
        """Tell whether the child was in the family on a day, the days of coming and going included."""
        if self.joined is not None and day < self.joined.day:
            return False
        return self.left is None or day <= self.left.day


Listed = tuple[Child, ...]


def members(opening: Mapping[str, Any], changes: Iterable[tuple[Event, Mapping[str, Any]]]) -> tuple[Member, ...]:
    """Follow the lists of children from the opening on; where none is listed the index child stands alone."""
    born = opening.get("index_child_dob")
    lists: list[tuple[Event | None, Listed]] = [(None, opening.get("children") or ())]
    for event, change in changes:
        born = change.get("index_child_dob", born)
        if "children" in change:
            listed: Listed = change["children"] or ()
            lists = [(None, listed)] if lists == [(None, ())] else [*lists, (event, listed)]
    found: dict[str, Member] = {}
    for since, listed in lists:
        there = {child.ref: child for child in listed or (Child("index", born),)}
        for ref, member in found.items():
            if ref not in there and member.left is None:
                found[ref] = replace(member, left=since)
        for ref, child in there.items():
            found[ref] = Member(child, found[ref].joined if ref in found else since)
    return tuple(found.values())
