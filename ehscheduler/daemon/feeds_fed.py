"""Rules that nobody could ever meet, for no source sends what meets them: they are named, and stay silent until fed.

A rule is fed once an event that meets it was seen from any source or by hand, or where the mapping of an extract can
tell of one: that it has not happened yet is then no fault of the feed. The files of the contract do not say what they
can tell of: there a rule counts as not fed when it began on many cases and nothing that meets it was ever seen. A rule
that never began tells nobody anything; it is only named. What people put on record by commands of their own is fed.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ehscheduler.config import Config
from ehscheduler.core.phrases import Anchor
from ehscheduler.core.policy import Policy, Rhythm, Standard
from ehscheduler.plugins import Authority
from ehscheduler.store.imports import last_import
from ehscheduler.store.tx import Tx
from ehscheduler.store.words import rules_told_since, words_mapped, words_seen, words_seen_by

BEGAN_ON = 20
"""On so many cases must a rule have begun before files that do not say what they hold count against it (ours)."""
QUIET = timedelta(weeks=8)
BY_HAND = ("dispute_", "relaxation_", "extension_", "hold_", "closed", "reopened", "left_without_dates", "acknowledged")
"""How the words begin for which people have commands of their own, or which follow what was done by one."""


@dataclass(frozen=True, slots=True)
class Unfed:
    """A rule that is not fed: what would meet it, and whether it is silent for that, as it has begun somewhere."""

    rule: str
    title: str
    words: tuple[str, ...]
    began: int

    @property
    def silent(self) -> bool:
        return self.began > 0

    @property
    def said(self) -> str:
        """Say it in a sentence with the remedy."""
        told = "it is silent until then" if self.silent else "it has not begun on any case"
        return f"{self.rule} ({self.title}) is not fed: no source has sent {' or '.join(self.words)}; {told}"


def unfed(tx: Tx, authority: Authority, config: Config) -> list[Unfed]:
    """Return the rules of an authority that are not fed, in the policy's order; none where no source sends events."""
    return list(_unfed(tx, authority, config, words_seen(tx, authority.name)))


def silent_rules(tx: Tx, authority: Authority, config: Config) -> list[Unfed]:
    """Return the rules that tell nobody anything, for they are not fed; for a transaction that writes."""
    seen = words_seen_by(tx, authority.name)
    return [one for one in _unfed(tx, authority, config, seen) if one.silent]


def _unfed(tx: Tx, authority: Authority, config: Config, seen: Mapping[str, int]) -> Iterator[Unfed]:
    name, policy = authority.name, authority.policy
    mapped = words_mapped(tx, name)
    contract = last_import(tx, name, "events") is not None
    if not mapped and not contract:
        return
    fed, live = seen.keys() | mapped, config.live_for(name)
    for rule in policy.rules.values():
        if live.rules is not None and rule.id not in live.rules:
            continue
        if rule.id in live.fed or not rule.met_by or any(_is_fed(policy, one, fed) for one in rule.met_by):
            continue
        began = max((seen.get(word, 0) for one in _starts(rule) for word in _behind(policy, one)), default=0)
        if contract and 0 < began < BEGAN_ON:
            continue
        words = sorted({word for one in rule.met_by for word in _behind(policy, one)})
        yield Unfed(rule.id, rule.title, tuple(words), began)


def _is_fed(policy: Policy, anchor: Anchor, fed: Collection[str]) -> bool:
    """Tell whether an event could be known to have happened; that a rule ran over is always known."""
    return anchor.overdue or _can_be(policy, anchor.word, fed, ())


def _can_be(policy: Policy, word: str, fed: Collection[str], above: tuple[str, ...]) -> bool:
    if word in fed or word.startswith(BY_HAND):
        return True
    meaning = policy.words.get(word)
    if meaning is None or meaning.recorded or word in above:
        return False
    above = (*above, word)
    if meaning.all:
        return all(_can_be(policy, part, fed, above) for part in meaning.all)
    if meaning.of:
        return _can_be(policy, meaning.of, fed, above)
    return any(one.overdue or _can_be(policy, one.word, fed, above) for one in meaning.any)


def _behind(policy: Policy, anchor: Anchor) -> Collection[str]:
    return () if anchor.overdue else policy.behind(anchor.word)


def _starts(rule: Standard | Rhythm) -> Iterator[Anchor]:
    """Yield what a rule counts from."""
    if isinstance(rule, Rhythm):
        yield from (phase.begin.anchor for phase in rule.phases)
        return
    for due in rule.due:
        if due.anchor:
            yield due.anchor
        if due.target and due.target.anchor:
            yield due.target.anchor


def never_told(tx: Tx, authority: Authority, config: Config, now: datetime) -> list[str]:
    """Name the live rules of which nothing was decided in eight weeks; none where the service is younger than that."""
    live = config.live_for(authority.name).rules
    told, first = rules_told_since(tx, authority.name, now - QUIET)
    if first is None or first > now - QUIET:
        return []
    return [id_ for id_ in authority.policy.rules if id_ not in told and (live is None or id_ in live)]
