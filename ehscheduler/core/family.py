"""The children of a family as they come and go: since which event each is in it, and which event took them out.

Who is listed at the opening was there from the opening; so was who stands in the first list given, where none was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from ehscheduler.core.events import Child, Event, precedes


@dataclass(frozen=True, slots=True)
class Member:
    """One child of the family: `joined` is None for one who was there from the opening, `left` for one still there.

    Who came back is one who is still there; `away` are the stretches between, each with how it began and ended.
    """

    child: Child
    joined: Event | None = None
    left: Event | None = None
    away: tuple[tuple[Event, Event], ...] = ()

    def there_at(self, event: Event) -> bool:
        """Tell whether the child was in the family at an event; the same date counts, unless both times are known."""
        if self.joined is not None and precedes(event, self.joined):
            return False
        if any(precedes(gone, event) and precedes(event, back) for gone, back in self.away):
            return False
        return self.left is None or not precedes(self.left, event)

    def there_on(self, day: date) -> bool:
        """Tell whether the child was in the family on a day, the days of coming and going included."""
        if self.joined is not None and day < self.joined.day:
            return False
        if any(gone.day < day < back.day for gone, back in self.away):
            return False
        return self.left is None or day <= self.left.day

    def there_from(self, moment: datetime) -> bool:
        """Tell whether the child is in the family from a moment on: as whoever is counted who comes or goes then."""
        if self.joined is not None and moment < self.joined.moment:
            return False
        if any(gone.moment <= moment < back.moment for gone, back in self.away):
            return False
        return self.left is None or moment < self.left.moment


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
            was = found.get(ref)
            found[ref] = replace(_back(was, since), child=child) if was else Member(child, since)
    return tuple(found.values())


def _back(was: Member, since: Event | None) -> Member:
    """Return a child who is listed again: one who was gone has been away until now."""
    if was.left is None or since is None:
        return was
    return replace(was, left=None, away=(*was.away, (was.left, since)))
