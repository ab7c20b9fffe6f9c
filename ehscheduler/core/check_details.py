"""What a condition asks of an event's detail must be among the keys that the event declares, where it declares any."""

from collections.abc import Iterable, Iterator

from ehscheduler.core.policy import AllOf, AnyOf, Compare, Cond, Known, Not, Policy
from ehscheduler.core.vocabulary import ASKED_OF_DETAIL, EVENTS, nearest


def known_details(policy: Policy, word: str, asked: Iterable[str]) -> Iterator[str]:
    """Report a key that no event behind a word can carry; one that declares nothing may carry anything."""
    behind = [policy.words[name] for name in sorted(policy.behind(word))]
    if not behind or not all(one.details for one in behind):
        return
    declared = sorted({key for one in behind for key in one.details})
    sent = {*declared, *(ASKED_OF_DETAIL if any(one.name in EVENTS for one in behind) else ())}
    said = " and ".join(one.name for one in behind)
    for key in sorted(set(asked) - sent):
        remedy = nearest(key, declared) or "; add it to details"
        yield f"asks for the detail {key!r}, which {said} does not declare{remedy}"


def keys_of(cond: Cond | None) -> Iterator[str]:
    """Yield the names that a condition asks the value of."""
    match cond:
        case Compare(fact=fact):
            yield fact
        case Known(facts=facts):
            yield from facts
        case Not(cond=inner):
            yield from keys_of(inner)
        case AnyOf(conds=conds) | AllOf(conds=conds):
            for inner in conds:
                yield from keys_of(inner)
