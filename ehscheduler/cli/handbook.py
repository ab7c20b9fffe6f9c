"""policy handbook: a protocol as one page that a policy officer prints, reads and signs."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler import clock
from ehscheduler.cli.common import CONFIG, ConfigOption, config_at, open_store, say
from ehscheduler.cli.handbook_examples import plain, sentence, worked_examples
from ehscheduler.cli.policies import policy
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from ehscheduler.config import Config
    from ehscheduler.core.actions import OverdueStep
    from ehscheduler.core.policy import Policy, Rhythm, Standard
    from ehscheduler.plugins import Authority

FORCES = {
    "statutory": "Required by law.",
    "required": "Required.",
    "guide": "Good practice: its owner is reminded, nobody is told that it is past its date, and nothing goes up.",
}
BANK_HOLIDAYS = {
    "ask": "nobody has said yet what happens on a bank holiday",
    "skip": "on a bank holiday it does not sit",
    "before": "on a bank holiday it sits on the working day before",
    "after": "on a bank holiday it sits on the working day after",
}

Facts = list[tuple[str, str]]


@policy.command()
def handbook(
    authority: Annotated[str, typer.Argument(help="An authority's name.")],
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("handbook.html"),
    config: ConfigOption = CONFIG,
) -> None:
    """Write the protocol as one page to print, read and sign. Rules in words, readings, what is not encoded."""
    from ehscheduler.core.calendars import london_day
    from ehscheduler.fitting import fitted
    from ehscheduler.plugins import load

    today = london_day(clock.now())
    settings = config_at(config) if config.exists() else None
    loaded = load(authority)
    loaded = fitted(loaded, settings, today) if settings else loaded.as_of(today)
    page = rendered(loaded, settings, _unfed(loaded, settings), today)
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputRefused([f"--out: {out} cannot be written ({error.strerror}); name another place"]) from None
    said = f"{loaded.policy.document}, edition {loaded.policy.edition}"
    say(f"{out}: {said}. Open it in a browser, and print it from there.")


def _unfed(authority: "Authority", settings: "Config | None") -> dict[str, str]:
    """Return the rules that no source feeds, each with what would; none where there is no database yet."""
    from ehscheduler.daemon.feeds_fed import unfed
    from ehscheduler.errors import EhsError

    if settings is None:
        return {}
    try:
        with open_store(settings) as store, store.read() as tx:
            found = unfed(tx, authority, settings)
    except EhsError:
        return {}
    return {one.rule: " or ".join(one.words).replace("_", " ") for one in found}


def rendered(authority: "Authority", settings: "Config | None", unfed: Mapping[str, str], today: date) -> str:
    """Write the page; the same policy, settings and day give the same page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("ehscheduler.cli", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = settings.overdue_ladder(authority.name) if settings else ()
    return env.get_template("handbook.html.j2").render(_Page(authority, own, unfed, today).context())


class _Page:
    """Everything that the page says, in words."""

    def __init__(
        self, authority: "Authority", own: "Sequence[OverdueStep]", unfed: Mapping[str, str], today: date
    ) -> None:
        self.authority = authority
        self.policy = authority.policy
        self.own = own
        self.unfed = unfed
        self.today = today
        self.examples = worked_examples(authority)

    def context(self) -> dict[str, Any]:
        from ehscheduler.cli import policy_words as words

        read = self.policy
        return {
            "name": read.authority.replace("-", " ").title(),
            "document": read.document,
            "edition": read.edition,
            "head": self._head(),
            "rules": [self._rule(rule) for rule in read.rules.values()],
            "checks": [self._check(row) for row in words.checks(read)],
            "ladders": [self._ladder(row) for row in words.ladders(read)],
            "meetings": [self._meeting(row) for row in words.meetings(read)],
            "limits": [self._limit(row) for row in words.limits(read)],
            "routes": [self._route(row) for row in words.routes(read)],
            "events": [self._word(row) for row in words.words(read)],
            "readings": [self._reading(id_) for id_ in read.readings],
            "left_out": [{**row, "why": plain(row["why"])} for row in words.not_encoded(self.authority.folder)],
            "own": _said_own(self.own, read),
        }

    def _head(self) -> Facts:
        from ehscheduler.core.saying import said_day

        read = self.policy
        review = said_day(read.review_by) if read.review_by else "The document does not say"
        hours = f"{read.hours[0]:%H:%M} to {read.hours[1]:%H:%M}" if read.hours else "The document does not say"
        first = "Counted" if read.counts_first_day else "Not counted: the day after is day 1"
        return [
            ("Document", read.document),
            ("Edition", read.edition),
            ("In force from", said_day(read.in_force)),
            ("To be reviewed by", review),
            ("Bank holidays of", read.nation.title()),
            ("Office hours", hours),
            ("The day of the event itself", first),
            ("File", f"{read.file}, version {read.text_hash[:12]}"),
            ("This page was made on", said_day(self.today)),
        ]

    # ---- rules

    def _rule(self, rule: "Standard | Rhythm") -> dict[str, Any]:
        from ehscheduler.cli import policy_words as words
        from ehscheduler.core.explain import worded

        row = next(row for row in words.rules(self.policy) if row["rule"] == rule.id)
        when = row["when"] + (f"; best by {row['best_by']}" if row["best_by"] else "")
        facts: Facts = [("When", sentence(worded(when)))]
        if getattr(rule, "roll", None):
            facts.append(("On a day off", f"Moved to the {plain(rule.roll)}."))  # type: ignore[union-attr]
        for name, key in (("Applies where", "where"), ("Done by", "met_by"), ("Called off by", "unless")):
            if row[key]:
                facts.append((name, sentence(row[key])))
        facts.append(("Who acts", sentence(row["owner"])))
        facts.append(("Who hears, and when", self._hears(rule, row)))
        if row["may_extend"]:
            facts.append(("Who may agree a later limit", sentence(" or ".join(row["may_extend"]))))
        if row["runs_through"]:
            facts.append(("Runs on through", sentence(" and ".join(row["runs_through"]))))
        facts.append(("Force", FORCES[rule.force]))
        if rule.id in self.unfed:
            facts.append(("Not fed", f"No source has sent {self.unfed[rule.id]} yet: until one does, nobody is told."))
        return self._entry(rule.id, rule.title, row["clause"], facts, rule.readings)

    def _entry(self, id_: str, title: str, clause: str, facts: Facts, readings: Sequence[str] = ()) -> dict[str, Any]:
        return {
            "id": id_,
            "title": title,
            "clause": clause,
            "facts": facts,
            "readings": list(readings),
            "examples": self.examples.get(id_, []),
        }

    def _hears(self, rule: "Standard | Rhythm", row: Mapping[str, Any]) -> str:
        if not rule.dated:
            once = f"There is no date: {row['owner']} is told once, on the first working morning after it begins."
            return sentence("Nobody is told by itself." if rule.force == "guide" else once)
        said = []
        before = [one.text for one in rule.remind if one.span or rule.force == "guide"]
        if before:
            said.append(f"{row['owner']} is reminded {' and '.join(before)}.")
        if rule.force == "guide":
            return sentence(" ".join(said) or "Nobody is told by itself.")
        told = f", and {' and '.join(row['tell'])} too" if row["tell"] else ""
        said.append(f"On the day, and once on the first working morning after it, {row['owner']} is told{told}.")
        if rule.decided_by or rule.escalate:
            said.append(f"It goes up by the ladder '{self.policy.ladders[rule.decided_by or rule.escalate].title}'.")
        elif self.own:
            said.append("The document names nobody further; it goes up by the council's own ladder for overdue work.")
        else:
            said.append("The document names nobody further, and the council has set no ladder of its own.")
        return sentence(" ".join(said))

    # ---- the other tables

    def _check(self, row: Mapping[str, Any]) -> dict[str, Any]:
        facts: Facts = [("Looked at", sentence(f"when {row['at']} is recorded"))]
        facts.append(("Must hold", sentence(row["asks"])))
        if row["where"]:
            facts.append(("Applies where", sentence(row["where"])))
        told = " and ".join([row["owner"], *row["tell"]])
        facts += [("Who is told where it does not hold", sentence(told)), ("Force", FORCES[row["force"]])]
        readings = self.policy.checks[row["check"]].readings
        return self._entry(row["check"], row["title"], row["clause"], facts, readings)

    def _ladder(self, row: Mapping[str, Any]) -> dict[str, Any]:
        steps = [(f"Step {n}", sentence(step)) for n, step in enumerate(row["steps"], 1)]
        readings = dict.fromkeys(id_ for step in self.policy.ladders[row["ladder"]].steps for id_ in step.readings)
        return self._entry(row["ladder"], row["title"], row["clause"], steps, list(readings))

    def _meeting(self, row: Mapping[str, Any]) -> dict[str, Any]:
        meeting = self.policy.meetings[row["meeting"]]
        sits = row["on"] if meeting.on else "on a day that a reading gives; nobody has answered yet"
        per = f", one for each {row['per']}" if row["per"] else ""
        facts: Facts = [("Sits", sentence(f"{sits}{per}"))]
        facts.append(("Bank holidays", sentence(BANK_HOLIDAYS.get(row["bank_holiday"], row["bank_holiday"]))))
        if row["cut_off"]:
            facts.append(("Matters are in by", sentence(f"{row['cut_off']} before, or that time of its day")))
        if row["chair"]:
            facts.append(("Chaired by", sentence(row["chair"])))
        return self._entry(row["meeting"], row["title"], row["clause"], facts, meeting.readings)

    def _limit(self, row: Mapping[str, Any]) -> dict[str, Any]:
        counts = [
            f"at {word} {' or '.join(f'{n} {kind}' for kind, n in row[f'at_{word}'].items())}"
            for word in ("most", "least")
            if row[f"at_{word}"]
        ]
        share = ", in proportion to hours worked" if row["pro_rata"] else ""
        facts: Facts = [("Who", sentence(row["who"])), ("How much", sentence(", ".join(counts) + share))]
        facts.append(("Who is told", sentence(" and ".join(row["tell"]) or "the document names nobody")))
        return self._entry(row["limit"], row["title"], row["clause"], facts, self.policy.limits[row["limit"]].readings)

    def _route(self, row: Mapping[str, Any]) -> dict[str, Any]:
        facts: Facts = [("At", sentence(row["at"]))]
        facts += [(f"{n}. row that holds", sentence(to)) for n, to in enumerate(row["to"], 1)]
        readings = dict.fromkeys(id_ for one in self.policy.routes[row["route"]].rows for id_ in one.readings)
        return self._entry(row["route"], row["title"], row["clause"], facts, list(readings))

    def _word(self, row: Mapping[str, Any]) -> dict[str, Any]:
        facts: Facts = [("Happens with", sentence(row["made_of"]))]
        return self._entry(row["word"], row["title"] or plain(row["word"]), row["clause"], facts)

    def _reading(self, id_: str) -> dict[str, Any]:
        from ehscheduler.core.saying import said_day

        reading = self.policy.readings[id_]
        if reading.signed_by:
            on = f" on {said_day(reading.signed_on)}" if reading.signed_on else ""
            stands = f"Signed by {reading.signed_by}{on}."
        elif reading.open:
            stands = "Open: nobody has answered."
        else:
            stands = "Ours: not signed by the council." if reading.ours else "Answered by the council, and not signed."
        parts = {"rules": self.policy.rules, "checks": self.policy.checks, "meetings": self.policy.meetings}
        rests = [(part, one.id) for part, tables in parts.items() for one in tables.values() if id_ in one.readings]
        return {
            "id": id_,
            "clause": ", ".join(reading.clauses),
            "asks": reading.asks,
            "answer": reading.answer or "No answer yet.",
            "stands": stands,
            "rests": rests,
            "signed": bool(reading.signed_by),
        }


# ---- words


def _said_own(own: "Sequence[OverdueStep]", read: "Policy") -> list[str]:
    said = []
    for n, step in enumerate(own):
        before = "the one before" if n else "the one who acts"
        said.append(
            sentence(f"{' and '.join(map(read.title_of_role, step.who))}: {step.after} after {before} was told")
        )
    return said
