"""A case's history as it is known at one instant: episode, closure, holds, facts and occurrences of words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ehscheduler.core.calendars import Calendar, Span, london_day, months_on
from ehscheduler.core.chains import Chain
from ehscheduler.core.conditions import holds
from ehscheduler.core.events import Case, Child, Event
from ehscheduler.core.family import members
from ehscheduler.core.holds import NOT_HELD, Held, Hold, held_until, read_holds
from ehscheduler.core.phrases import Anchor, read_span
from ehscheduler.core.policy import Compare, EventWord, Happened, Policy
from ehscheduler.core.vocabulary import DETAIL_ONLY, nearest
from ehscheduler.errors import PhraseFault, where

OVERDUE = " overdue"
AGREEMENTS = ("relaxation_agreed", "extension_approved")


class History:
    """What is known of one case at `now`: only events that both happened and were recorded by then (design 4.19)."""

    def __init__(
        self,
        policy: Policy,
        calendar: Calendar,
        case: Case,
        events: Iterable[Event],
        now: datetime,
        today: date,
        *,
        horizon: datetime | None = None,
    ) -> None:
        self.policy = policy
        self.calendar = calendar
        self.case = case
        self.now = now
        self.today = today
        self.horizon = horizon or now
        """Until when it is asked what comes by time alone: limits that run over, weeks that begin; `now` or later."""
        self.last_day = london_day(horizon) if horizon else today
        self.problems: list[str] = []
        self.warnings: list[str] = []
        known, self.withdrawn, lost = _standing(events, now)
        for event in lost:
            self.warn(f"{event.word} on {event.day.isoformat()} names no event that is known; it withdraws nothing")
        self.episode, self.events = _current_episode(known, self.warn)
        self.closed = next((event for event in self.events if event.word == "closed"), None)
        self._by_word: dict[str, list[Event]] = {}
        for event in self.events:
            self._by_word.setdefault(event.word, []).append(event)
        self._occurrences: dict[str, Sequence[Event]] = {}
        self.ran_over: Callable[[History, str], Sequence[Event]] = lambda history, rule: ()
        """Tells when a rule's limits passed unmet; set by the evaluation, which alone can work it out."""
        self.caught_up: dict[str, Event] = {}
        """What ended a milestone that had run over, by the id of its running over."""
        self.came_too_late: Callable[[History, Event], bool] = lambda history, agreed: False
        """Tells of an agreed later date that it moved nothing, for a limit had passed; set by the evaluation."""
        self.agreed: dict[str, set[str]] = {"in time": set(), "too late": set()}
        """The ids of the agreements that moved a limit, and of those that came after one."""
        self.chains: Mapping[str, Chain] = {}
        """The ladders that have started in this episode, by milestone; they keep their steps."""
        self.holds = self._read_holds()
        self.relaxations = tuple(event for event in self.events if event.word in AGREEMENTS)
        self._check_named_rules()
        self._changes = self._fact_changes(known)
        self.family = members(case.facts, self._changes)
        """Every child who was ever in the family, with since when and until when."""
        self._held: dict[tuple[datetime | None, tuple[str, ...]], Held] = {}

    def warn(self, sentence: str) -> None:
        self.warnings.append(f"{self.case.ref}: {sentence}")

    def problem(self, sentence: str) -> None:
        self.problems.append(f"{self.case.ref}: {sentence}")

    def _check_named_rules(self) -> None:
        """Warn of an agreement that names a rule that the policy does not have."""
        for event in self.relaxations:
            for rule in named_rules(event):
                if rule not in self.policy.rules and rule not in self.policy.elsewhere:
                    near = nearest(str(rule), list(self.policy.rules))
                    self.warn(f"{event.word} on {event.day.isoformat()} names no rule of the policy: {rule!r}{near}")

    # ---- holds

    def _read_holds(self) -> tuple[Hold, ...]:
        starts, ends = self._by_word.get("hold_started", ()), self._by_word.get("hold_ended", ())
        if not starts and not ends:
            return ()
        return read_holds([event for event in self.events if event.word in ("hold_started", "hold_ended")], self.warn)

    def held(self, stop: datetime | None, runs_through: tuple[str, ...]) -> Held:
        """Return the holds that bear on a clock which stopped at `stop`, or still runs."""
        if not self.holds:
            return NOT_HELD
        key = (stop, runs_through)
        if key not in self._held:
            self._held[key] = held_until(self.holds, stop, runs_through)
        return self._held[key]

    # ---- occurrences

    def occurrences(self, name: str) -> Sequence[Event]:
        """Return when a word happened in this episode, in order; a defined word by the event that completed it."""
        found = self._occurrences.get(name)
        if found is None:
            if name.endswith(OVERDUE):
                found = self.ran_over(self, name.removesuffix(OVERDUE))
            else:
                word = self.policy.words[name]
                found = self._by_word.get(name, ()) if word.recorded else self._defined(word)
            self._occurrences[name] = found
        return found

    def _defined(self, word: EventWord) -> Sequence[Event]:
        if word.any:
            return _once(_in_order({event for anchor in word.any for event in self.each_of(anchor)}))
        if word.all:
            return self._all_of(word.all)
        chosen = [event for event in self.occurrences(word.of) if word.where is None or self._selects(word, event)]
        if word.at_least == 1 and not word.different:
            return chosen
        return self._nth_within(word, chosen)

    def occurrences_among(self, name: str, keep: Callable[[Event], bool]) -> Sequence[Event]:
        """Return when a word happened, where of what is counted in it only the events that are kept count.

        Three attempts since a clock began are three that all came since then (design 4.10).
        """
        found = self.occurrences(name)
        if not found or name.endswith(OVERDUE) or not self._counts(name):
            return found
        word = self.policy.words[name]
        if word.any:
            parts = (self.each_of(a) if a.which == "nth" else self.occurrences_among(a.name, keep) for a in word.any)
            return _once(_in_order({event for part in parts for event in part}))
        among = [e for e in self.occurrences_among(word.of, keep) if keep(e)]
        chosen = [e for e in among if word.where is None or self._selects(word, e)]
        return chosen if word.at_least == 1 and not word.different else self._nth_within(word, chosen)

    def _counts(self, name: str) -> bool:
        """Tell whether a word means so many of something, itself or by a word in it."""
        word = self.policy.words.get(name)
        if word is None or word.recorded or word.all:
            return False
        if word.at_least > 1 or word.different:
            return True
        return any(self._counts(part) for part in (word.of, *(anchor.name for anchor in word.any)) if part)

    def each_of(self, anchor: Anchor) -> Sequence[Event]:
        """Return the occurrences that an evidence word means: all, or the nth alone."""
        found = self.occurrences(anchor.name)
        return found[anchor.n - 1 : anchor.n] if anchor.which == "nth" else found

    def _selects(self, word: EventWord, event: Event) -> bool:
        assert word.where is not None
        # In the meaning of a word, a detail that was not given does not match: the event is simply not of this kind.
        return holds(word.where, self._news_of(event), self.happened_by(event.moment), _no_match) is True

    def _news_of(self, event: Event) -> Callable[[str], Any]:
        """Return how to look up what an event says; a change of attributes says nothing where it changes nothing."""
        if event.word != "attributes_changed":
            return event.detail.get
        return lambda name: None if self._known_already(event, name) else event.detail.get(name)

    def _known_already(self, event: Event, name: str) -> bool:
        """Tell whether a fact had its new value before, or has it from something else that happened at that moment."""
        before, now = self.case.facts.get(name), None
        for other, change in self._changes:
            if other.moment > event.moment:
                break
            if other is event:
                now = change.get(name)
            elif other.moment < event.moment or other.word != event.word or _order(other) < _order(event):
                before = change.get(name, before)
        return now is not None and now == before

    def _all_of(self, parts: tuple[str, ...]) -> Sequence[Event]:
        lists = [self.occurrences(part) for part in parts]
        refs: list[str | None] = [*sorted({e.ref for events in lists for e in events if e.ref})] or [None]
        found = []
        for ref in refs:
            firsts = [next((e for e in events if e.ref in (None, ref)), None) for events in lists]
            if all(firsts):
                found.append(max((e for e in firsts if e), key=_order))
        return _in_order(set(found))

    def _nth_within(self, word: EventWord, events: Sequence[Event]) -> Sequence[Event]:
        found: list[Event] = []
        window: list[Event] = []
        for event in events:
            window.append(event)
            while word.within and not self._together(window[0], event, word.within):
                window.pop(0)
            if len(window) >= word.at_least and _different(window, word.different):
                found.append(event)
                window = []
        return found

    def _together(self, first: Event, last: Event, within: Span) -> bool:
        """Tell whether two events lie in one window: 42 days are 42 days with both ends in."""
        if within.in_hours:
            reach = self.calendar.hours_later(first.moment, within)
            return reach is not None and last.moment <= reach
        reach_day = self.calendar.later(first.day, within)
        return reach_day is not None and last.day < reach_day

    def asked_of_plugin(self, name: str, facts: Mapping[str, Any], moment: datetime) -> bool | None:
        """Answer one of the plugin's own conditions; None, and a problem, where its code fails."""
        happened = [event for event in self.events if event.moment <= moment]
        try:
            answer: object = self.policy.hooks[name](facts, happened, moment)
        except Exception as fault:  # somebody else's code: whatever it raises is named, and nothing hangs on it
            self.problem(f"the plugin's condition {name!r} failed: {where(fault)}")
            return None
        if not isinstance(answer, bool):
            self.problem(f"the plugin's condition {name!r} answered neither True nor False")
            return None
        return answer

    def happened_by(self, moment: datetime) -> "Happens":
        return Happens(self, moment)

    # ---- facts

    def _fact_changes(self, known: Sequence[Event]) -> list[tuple[Event, Mapping[str, Any]]]:
        declared = self.policy.facts
        changes: list[tuple[Event, Mapping[str, Any]]] = []
        for event in known:
            if not event.detail:
                continue
            own = DETAIL_ONLY.get(event.word, ())
            named = {name: value for name, value in event.detail.items() if name in declared and name not in own}
            if named:
                changes.append((event, {name: self.typed(event, name, value) for name, value in named.items()}))
        return changes

    def typed(self, event: Event, name: str, value: Any) -> Any:
        """Read what an event's detail says of a declared fact by the fact's kind; what cannot be read is a problem."""
        try:
            return typed(self.policy.facts[name], value)
        except ValueError as fault:
            self.problem(f"{event.word} on {event.day.isoformat()} gives {name} a value that {fault}; correct it")
            return None

    def facts_at(self, moment: datetime) -> Mapping[str, Any]:
        """Return the case's attributes as they stood at a moment."""
        if not self._changes:
            return self.case.facts
        facts = dict(self.case.facts)
        for event, change in self._changes:
            if event.moment > moment:
                break
            facts.update(change)
        return facts

    def known_since(self, fact: str) -> tuple[datetime | None, Any]:
        """Return the latest value of a fact, and the moment of the first change that gave one (None: the opening)."""
        value, since = self.case.facts.get(fact), None
        for event, change in self._changes:
            if fact in change:
                since = event.moment if value is None else since
                value = change[fact]
        return since, value

    def children(self) -> tuple[Child, ...]:
        """Return the family's children as they are now; where none is listed the index child stands alone."""
        return tuple(member.child for member in self.family if member.left is None)

    def born(self, child: str | None) -> list[date]:
        """Return when one child was born, or each of those who are in the family now; unknown dates are left out."""
        if child is None:
            return [c.born for c in self.children() if c.born]
        return [m.child.born for m in self.family if m.child.ref == child and m.child.born]

    def ages(self, on: date, child: str | None) -> tuple[int, ...]:
        """Return the age in years of one child, or of each who was in the family, on a day."""
        if child is not None:
            return tuple(_age(born, on) for born in self.born(child))
        return tuple(_age(m.child.born, on) for m in self.family if m.child.born and m.there_on(on))


def named_rules(agreement: Event) -> Sequence[str]:
    """Return the rules that an agreement names, as written."""
    named = agreement.detail.get("rules", ())
    return [named] if isinstance(named, str) else named if isinstance(named, list) else ()


def _no_match(test: Compare) -> bool:
    return False


class Happens:
    """Answer `happened` conditions as at one moment."""

    def __init__(self, history: History, moment: datetime) -> None:
        self.history = history
        self.moment = moment

    def __call__(self, cond: Happened) -> bool:
        before = [event for event in self.history.occurrences(cond.word) if event.moment <= self.moment]
        if not before or cond.within is None:
            return bool(before)
        calendar = self.history.calendar
        if cond.within.in_hours:
            reach = calendar.hours_later(before[-1].moment, cond.within)
            return reach is not None and self.moment <= reach
        reach_day = calendar.later(before[-1].day, cond.within)
        return reach_day is not None and london_day(self.moment) <= reach_day


def _order(event: Event) -> tuple[datetime, str, str]:
    return event.moment, event.word, event.id


def _in_order(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=_order)


def _once(events: Sequence[Event]) -> list[Event]:
    """Keep one of what was recorded under several words: the same reference at the same moment is the same thing."""
    found: dict[object, Event] = {}
    for event in events:
        found.setdefault((event.moment, event.ref) if event.ref else event.id, event)
    return list(found.values())


def _standing(events: Iterable[Event], now: datetime) -> tuple[list[Event], list[Event], list[Event]]:
    """Split what is known by `now` into events that stand, events that were retracted, and retractions of nothing."""
    recorded = [event for event in events if event.recorded <= now]
    retractions = {event.id: event for event in recorded if event.word == "retracted"}
    gone = withdrawn_ids(retractions)
    known = _in_order(e for e in recorded if e.id not in gone and e.moment <= now and e.word != "retracted")
    if not retractions:
        return known, [], []
    ids = {event.id for event in recorded}
    lost = _in_order(e for e in retractions.values() if str(e.detail.get("event")) not in ids)
    return known, [event for event in recorded if event.id in gone], lost


def known_by(events: Iterable[Event], now: datetime) -> list[Event]:
    """Return what had happened and was recorded by an instant and stands, in order of time; no retractions."""
    return _standing(events, now)[0]


def withdrawn_ids(retractions: Mapping[str, Event]) -> set[str]:
    """Return the ids that are withdrawn; a retraction that is itself retracted withdraws nothing."""
    gone: set[str] = set()
    open_ones = {id_: str(event.detail.get("event")) for id_, event in retractions.items()}
    while open_ones:
        aimed_at = set(open_ones.values())
        sure = [id_ for id_ in open_ones if id_ not in aimed_at]
        if not sure:  # they withdraw one another in a ring: the last to be recorded stands
            sure = [max(open_ones, key=lambda id_: (retractions[id_].recorded, id_))]
        targets = {open_ones.pop(id_) for id_ in sure}
        gone |= targets
        for target in targets:
            open_ones.pop(target, None)
    return gone


def _current_episode(known: list[Event], warn: Any) -> tuple[int, list[Event]]:
    """Return the number of the current episode, from 1, and the events that belong to it."""
    openings = [event for event in known if event.word == "reopened"]
    events, episode = known, 1
    for opening in openings:
        closed = any(e.word == "closed" and e.day <= opening.day for e in events)
        if not closed:
            warn(f"reopened on {opening.day.isoformat()}: the case was not closed; a new episode begins all the same")
        events = _from_reopening(events, opening)
        episode += 1
    return episode, events


def _from_reopening(events: list[Event], opening: Event) -> list[Event]:
    """Keep what belongs to the episode that a reopening begins; the closure before it stays behind."""
    closed_before = any(e.word == "closed" and e.day < opening.day for e in events)
    kept = []
    for event in events:
        if event.word == "reopened" and _order(event) < _order(opening):
            continue
        if event.day > opening.day or (event.day == opening.day and _after_reopening(event, opening, closed_before)):
            kept.append(event)
        elif event.word == "closed" and event.day == opening.day:
            closed_before = True
    return kept


def _after_reopening(event: Event, opening: Event, closed_before: bool) -> bool:
    if event.dated or opening.dated:
        # The time of day is not known: a closure that the reopening answers lies before it, all else after.
        return event.word != "closed" or closed_before
    return event.moment >= opening.moment


def _different(events: Sequence[Event], wanted: Mapping[str, int]) -> bool:
    return all(
        len({event.day if key == "day" else event.detail.get(key) for event in events} - {None}) >= n
        for key, n in wanted.items()
    )


def _age(born: date, on: date) -> int:
    years = on.year - born.year
    return years if months_on(born, 12 * years) <= on else years - 1


def typed(kind: str, value: Any) -> Any:
    """Turn a JSON value into a fact of its kind; None is blank. Raises ValueError saying what is wrong."""
    if value is None or value == "":
        return None
    match kind:
        case "yes/no":
            if isinstance(value, bool):
                return value
            if isinstance(value, str) and value.strip().lower() in ("true", "yes", "y", "false", "no", "n"):
                return value.strip().lower() in ("true", "yes", "y")
            raise ValueError("is neither true nor false")
        case "number":
            return _number(value)
        case "date":
            return _date(value)
        case "duration":
            return _duration(value)
        case "children":
            return _children(value)
    if isinstance(value, bool | dict | list):
        raise ValueError("is not a word")
    return str(value)


def _number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("is not a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("is not a number")
    return int(number) if number.is_integer() else number


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        raise ValueError("is not a date such as 2026-03-02")
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else _no_date()
    except ValueError:
        return _no_date()


def _no_date() -> date:
    raise ValueError("is not a date such as 2026-03-02 that exists")


def _duration(value: Any) -> Span:
    if isinstance(value, Span):
        return value
    try:
        span = read_span(value) if isinstance(value, str) else None
    except PhraseFault:
        span = None
    if not isinstance(span, Span):
        raise ValueError("is not a length such as '3 weeks'")
    return span


def _children(value: Any) -> tuple[Child, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("is not a list of children")
    children = []
    for child in value:
        if isinstance(child, Child):
            children.append(child)
            continue
        if not isinstance(child, dict) or not isinstance(child.get("ref"), str) or not child["ref"]:
            raise ValueError("lists a child without a ref")
        children.append(Child(child["ref"], _date(child["born"]) if child.get("born") else None))
    if len({child.ref for child in children}) < len(children):
        raise ValueError("lists two children with one ref")
    return tuple(children)
