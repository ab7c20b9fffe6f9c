"""`ehscheduler calendar` as a person has it: a file for each, read back by another library than wrote it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import vobject

from ehscheduler.core.people import Absence
from ehscheduler.store.people import put_absences
from ehscheduler.store.store import Store
from tests.cli.conftest import Cli
from tests.cli.test_working_set import EVENTS, PEOPLE, allocated
from tests.daemon.house import HEAD, VISIT
from tests.test_plugins import HOOKS, Install, hook, install, site

__all__ = ["install", "site"]

RULES = (
    VISIT
    + """
[event.alarmed]
title = "An alarm was raised"
clause = "2"
[event.answered]
title = "The alarm was answered"
clause = "2"
[standard.answer]
title = "The alarm answered"
clause = "2.1"
due = "24 hours after alarmed"
met_by = "answered"
owner = "manager"
[standard.plan]
title = "The plan looked at"
clause = "2.2"
due = "30 days after allocation"
not_before = "20 days after allocation"
met_by = "review_held"
owner = "worker"
[meeting.panel]
title = "Panel"
clause = "3"
on = "every Tuesday"
cut_off = "2 working days before"
bank_holiday = "skip"
[event.stuck]
title = "The case is stuck"
clause = "3"
[event.taken]
title = "The case was taken to the panel"
clause = "3"
[standard.panel-takes]
title = "Taken to the panel"
clause = "3"
due = "next panel after stuck"
met_by = "taken"
owner = "manager"
"""
)
POLICY = (HEAD + RULES).replace("testshire", "smallshire").replace("[roles]", '[roles]\nhelper = "Helper"')
ADVICE = """
[event.well_done]
title = "It was done"
clause = "9"
[standard.good]
title = "Good to do"
clause = "9"
force = "guide"
due = "10 working days after allocation"
best_by = "5 working days after allocation"
met_by = "well_done"
owner = "worker"
"""
PREPARED = """
[event.prepared]
title = "The papers are ready"
clause = "3"
[standard.papers]
title = "Papers for the panel"
clause = "3.1"
due = "6 working days before next panel after stuck"
met_by = "prepared"
owner = "worker"
"""
EACH = """
[event.this_one_seen]
title = "This child was seen"
clause = "8"
[standard.each-child]
title = "Each child seen"
clause = "8"
due = "10 working days after allocation"
met_by = "this_one_seen"
owner = "worker"
per = "child"
"""
MONDAY, THURSDAY = date(2026, 3, 16), date(2026, 4, 1)
FAMILY = {"family_name": "CANARY-family", "children": [{"ref": "CANARY-child", "name": "CANARY-name"}]}


@dataclass(frozen=True)
class House:
    """A small council, its clock, and what its people find in their calendars."""

    cli: Cli
    at: Callable[[str], None]

    def calendar(self, *words: str) -> dict[str, dict[str, Any]]:
        """Write the calendars, and return what is said of each person."""
        said = self.cli("calendar", "--out", "cals", "--format", "json", *words)
        assert said.code == 0, said.all
        return {row["person"]: row for row in json.loads(said.out)}

    def counts(self, person: str) -> tuple[int, int, int]:
        row = self.calendar()[person]
        return row["entries"], row["changed"], row["cancelled"]

    def bring(self, events: str, *files: str) -> None:
        Path("more.csv").write_text(EVENTS + events)
        said = self.cli("import", "--events", "more.csv", *files)
        assert said.code == 0, said.all


@pytest.fixture
def house(cli: Cli, install: Install, tmp_path: Path, at: Callable[[str], None]) -> Callable[..., House]:
    """A council whose case C1 is w1's and C2 w2's, both allocated on Monday 2 March; it is Thursday 5 March."""
    at("2026-03-05 10:00")

    def put(events: str = "", python: str = HOOKS, more: str = "") -> House:
        install("smallshire", python, policy=POLICY + more)
        (tmp_path / "people.csv").write_text(PEOPLE)
        (tmp_path / "cases.csv").write_text("case_ref,team,lead\nC1,North,w1\nC2,South,w2\n")
        (tmp_path / "events.csv").write_text(EVENTS + allocated("C1", "C2") + events)
        cli("init", "--authority", "smallshire")
        said = cli("import", "--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv")
        assert said.code == 0, said.all
        return House(cli, at)

    return put


def read(person: str) -> list[Any]:
    raw = Path("cals", f"{person}.ics").read_bytes()
    assert max(map(len, raw.split(b"\r\n"))) <= 75
    [found] = vobject.readComponents(raw.decode())
    return list(found.contents.get("vevent", []))


def shown(person: str) -> list[tuple[Any, str, str, int]]:
    """Return when each entry of a person is, the first line that it says, its status and its sequence."""
    return [
        (
            one.dtstart.value,
            one.description.value.split("\n")[0] if hasattr(one, "description") else "",
            one.status.value,
            int(one.sequence.value),
        )
        for one in read(person)
    ]


def words(person: str, first: str) -> list[str]:
    [found] = [e for e in read(person) if hasattr(e, "description") and e.description.value.startswith(first)]
    return list(found.description.value.split("\n"))


def by_title(person: str) -> Mapping[str, Any]:
    return {e.description.value.split(" (")[0]: e for e in read(person) if hasattr(e, "description")}


def away(*absences: Absence) -> None:
    with Store.open("sqlite:///ehscheduler.db") as store, store.begin() as tx:
        put_absences(tx, "smallshire", absences)


VISITED, PLANNED = "First visit (clause 1.1)", "The plan looked at (clause 2.2)"


# ---- what is in it


def test_each_current_person_has_a_file_with_what_is_due_from_them(house: Callable[..., House]) -> None:
    found = house().calendar()
    assert {person: row["entries"] for person, row in found.items()} == {"m1": 0, "w1": 2, "w2": 2}
    assert sorted(path.name for path in Path("cals").iterdir()) == ["m1.ics", "w1.ics", "w2.ics"]
    assert shown("w1") == [(MONDAY, VISITED, "CONFIRMED", 0), (THURSDAY, PLANNED, "CONFIRMED", 0)]
    assert read("m1") == []
    uids = {event.uid.value for person in ("w1", "w2") for event in read(person)}
    assert len(uids) == 4


def test_an_entry_says_rule_clause_case_limit_and_from_when_on_it_can_be_done(house: Callable[..., House]) -> None:
    house().calendar()
    assert words("w1", "The plan") == [
        PLANNED,
        "Case C1",
        "Limit: Wednesday 1 April 2026",
        "Not before Monday 23 March 2026",
        "Owner: worker",
    ]
    assert {event.summary.value for event in read("w1")} == {"Early Help: due"}
    assert {event.transp.value for event in read("w1")} == {"TRANSPARENT"}


def test_nothing_changes_in_it_from_day_to_day_not_even_when_the_window_opens_or_the_limit_passes(
    house: Callable[..., House],
) -> None:
    small = house()
    small.calendar()
    before = Path("cals", "w1.ics").read_bytes()
    for day in ("2026-03-16", "2026-03-17", "2026-03-24", "2026-04-20"):
        small.at(f"{day} 10:00")
        assert small.calendar()["w1"]["state"] == "unchanged"
    assert Path("cals", "w1.ics").read_bytes() == before


def test_a_link_is_the_council_s_own_and_goes_with_the_reference(house: Callable[..., House]) -> None:
    small = house()
    with Path("config.toml").open("a") as file:
        file.write('\n[link]\nsmallshire = "https://cases.council.example/open/{case_ref}"\n')
    small.calendar()
    assert {event.url.value for event in read("w1")} == {"https://cases.council.example/open/C1"}
    without = small.calendar("--no-references")
    assert without["w1"]["changed"] == 2
    raw = Path("cals", "w1.ics").read_text()
    assert "C1" not in raw
    assert "https" not in raw


def test_no_name_of_anybody_and_nothing_of_a_family_is_in_any_file(house: Callable[..., House]) -> None:
    detail = json.dumps(FAMILY).replace('"', '""')
    small = house(f'C1,family_seen,2026-03-04,,,"{detail}"\nC1,stuck,2026-03-04,,CANARY-ref,"{detail}"\n')
    said = small.cli("record", "C1", "alarmed", "--ref", "CANARY-ref")
    assert said.code == 0, said.all
    small.calendar()
    raw = "".join(path.read_text().replace("\r\n ", "") for path in Path("cals").iterdir())
    assert raw.count("BEGIN:VEVENT") == 8
    for secret in ("CANARY", "Wren", "Wilf", "Mo Manager", "council.example", "North", "South", "w1", "m1"):
        assert secret not in raw


def test_a_rule_that_is_not_live_and_a_council_in_shadow_tell_nothing(house: Callable[..., House]) -> None:
    small = house()
    config = Path("config.toml").read_text()
    Path("config.toml").write_text(f'{config}\n[live.smallshire]\nrules = ["visit"]\n')
    small.calendar()
    assert [row[1] for row in shown("w1")] == [VISITED]
    before = Path("cals", "w1.ics").read_bytes()
    for line, why in (('mode = "shadow"', "in shadow mode"), ("from = 2026-03-06", "live from 2026-03-06")):
        Path("config.toml").write_text(f"{config}\n[live.smallshire]\n{line}\n")
        said = small.cli("calendar", "--out", "cals")
        assert (said.code, said.out) == (0, "")
        assert why in said.err
        assert Path("cals", "w1.ics").read_bytes() == before
    small.at("2026-03-06 10:00")
    assert [row[1] for row in (small.calendar(), shown("w1"))[1]] == [VISITED, PLANNED]


def test_advice_is_told_as_advice_with_the_day_by_which_it_is_best(house: Callable[..., House]) -> None:
    house(more=ADVICE).calendar()
    assert by_title("w1")["Good to do"].summary.value == "Early Help: advised by today"
    assert words("w1", "Good")[2:] == [
        "Limit: Monday 16 March 2026",
        "Best by Monday 9 March 2026",
        "Advice: nothing is breached when its day has passed",
        "Owner: worker",
    ]


def test_each_child_has_an_entry_that_does_not_say_which(house: Callable[..., House]) -> None:
    children = json.dumps([{"ref": "CANARY-1"}, {"ref": "CANARY-2"}]).replace('"', '""')
    small = house(more=EACH)
    Path("cases.csv").write_text(f'case_ref,team,lead,children\nC1,North,w1,"{children}"\nC2,South,w2,\n')
    small.bring("C1,contact_made,2026-03-04,,,\n", "--cases", "cases.csv")
    small.calendar()
    seen = [e for e in read("w1") if e.description.value.startswith("Each child seen")]
    assert len({e.uid.value for e in seen}) == 2
    assert len({e.description.value for e in seen}) == 1
    assert "CANARY" not in Path("cals", "w1.ics").read_text()


def test_a_case_that_is_opened_again_begins_anew(house: Callable[..., House]) -> None:
    small = house()
    small.calendar()
    before = by_title("w1")["First visit"].uid.value
    small.bring("C1,closed,2026-03-05T09:00,,,\nC1,reopened,2026-03-05T09:10,,,\nC1,allocation,2026-03-05T09:20,,,\n")
    assert small.counts("w1") == (2, 2, 2)
    assert by_title("w1")["First visit"].uid.value != before


# ---- hours and clock changes


@pytest.mark.parametrize(
    ("raised", "due", "written"),
    [
        ("2026-03-04T14:05", "2026-03-05T14:05:00+00:00", "TZID=Europe/London:20260305T140500"),
        ("2026-03-28T12:00", "2026-03-29T12:00:00+00:00", "TZID=Europe/London:20260329T130000"),
        ("2026-03-28T01:30", "2026-03-29T01:30:00+00:00", "TZID=Europe/London:20260329T023000"),
        ("2026-10-24T12:00", "2026-10-25T11:00:00+00:00", "TZID=Europe/London:20261025T110000"),
        ("2026-10-24T01:30", "2026-10-25T00:30:00+00:00", "TZID=Europe/London:20261025T013000"),
        ("2026-10-24T02:30", "2026-10-25T01:30:00+00:00", "DTSTART:20261025T013000Z"),
    ],
    ids=["winter", "over spring's change", "after the hour left out", "over autumn's", "the hour", "the hour again"],
)
def test_a_limit_in_hours_is_an_entry_of_its_instant(
    house: Callable[..., House], raised: str, due: str, written: str
) -> None:
    small = house(f"C1,alarmed,{raised},,,\n")
    small.at(raised.replace("T", " "))
    small.calendar()
    at = by_title("m1")["The alarm answered"].dtstart.value
    assert isinstance(at, datetime)
    assert at.astimezone(UTC) == datetime.fromisoformat(due)
    assert written in Path("cals", "m1.ics").read_text()


def test_an_instant_that_was_counted_from_the_end_of_a_day_says_so(house: Callable[..., House]) -> None:
    house("C1,alarmed,2026-03-04,,,\n").calendar()
    assert by_title("m1")["The alarm answered"].dtstart.value == datetime(2026, 3, 5, 23, 59, 59, tzinfo=UTC)
    assert words("m1", "The alarm")[2:4] == [
        "Limit: 23:59 on Thursday 5 March 2026",
        "Counted from the end of a day, as its time was not recorded",
    ]


@pytest.mark.parametrize(
    ("allocation", "due"), [("2026-03-16", "2026-03-30"), ("2026-10-12", "2026-10-26")], ids=["spring", "autumn"]
)
def test_a_limit_in_days_is_its_day_on_either_side_of_a_clock_change(
    house: Callable[..., House], allocation: str, due: str
) -> None:
    small = house()
    Path("cases.csv").write_text("case_ref,team,lead\nC1,North,w1\nC2,South,w2\nC9,North,w1\n")
    small.at(f"{allocation} 10:00")
    small.bring(f"C9,allocation,{allocation},,,\n", "--cases", "cases.csv")
    small.calendar()
    assert (date.fromisoformat(due), VISITED, "CONFIRMED", 0) in shown("w1")


# ---- what changes


def test_what_is_done_is_cancelled_and_comes_back_when_that_is_taken_back(house: Callable[..., House]) -> None:
    small = house()
    assert small.counts("w1") == (2, 2, 0)
    said = small.cli("record", "C1", "home_visit", "--at", "2026-03-05")
    event = said.out.partition("(event ")[2].partition(")")[0]
    assert small.counts("w1") == (1, 0, 1)
    assert shown("w1") == [(MONDAY, "", "CANCELLED", 1), (THURSDAY, PLANNED, "CONFIRMED", 0)]
    assert small.cli("correct", "C1", event, "--why", "typed wrongly").code == 0
    assert small.counts("w1") == (2, 1, 0)
    assert shown("w1")[0] == (MONDAY, VISITED, "CONFIRMED", 2)


def test_a_later_limit_is_the_same_entry_on_another_day(house: Callable[..., House]) -> None:
    small = house()
    small.calendar()
    before = by_title("w1")["First visit"].uid.value
    said = small.cli(
        "relax", "C1", "visit", "--until", "2026-03-20", "--by-role", "manager", "--reason", "family", "--by", "m1"
    )
    assert said.code == 0, said.all
    assert small.counts("w1") == (2, 1, 0)
    assert shown("w1")[0] == (date(2026, 3, 20), VISITED, "CONFIRMED", 1)
    assert by_title("w1")["First visit"].uid.value == before


def test_a_hold_cancels_and_its_end_brings_the_dates_back_by_so_much_later(house: Callable[..., House]) -> None:
    small = house()
    small.calendar()
    assert small.cli("hold", "C1", "--reason", "stepped_up", "--at", "2026-03-05").code == 0
    assert small.counts("w1") == (0, 0, 2)
    assert {row[2] for row in shown("w1")} == {"CANCELLED"}
    small.at("2026-03-12 10:00")
    assert small.cli("resume", "C1", "--at", "2026-03-12").code == 0
    assert small.counts("w1") == (2, 2, 0)
    assert shown("w1") == [
        (date(2026, 3, 23), VISITED, "CONFIRMED", 2),
        (date(2026, 4, 8), PLANNED, "CONFIRMED", 2),
    ]


def test_a_case_that_goes_to_another_is_cancelled_with_the_one_and_is_in_the_other_s(
    house: Callable[..., House],
) -> None:
    small = house()
    small.calendar()
    small.bring('C1,worker_changed,2026-03-05T09:00,,,"{""lead"": ""w2""}"\n')
    found = small.calendar()
    assert (found["w1"]["entries"], found["w1"]["cancelled"]) == (0, 2)
    assert (found["w2"]["entries"], found["w2"]["changed"]) == (4, 2)
    assert "C1" not in Path("cals", "w1.ics").read_text()
    ours, theirs = ({event.uid.value for event in read(person)} for person in ("w1", "w2"))
    assert not ours & theirs


def test_a_case_that_is_closed_is_cancelled_and_dropped_after_thirty_days(house: Callable[..., House]) -> None:
    small = house()
    small.calendar()
    assert small.cli("close", "C1", "--reason", "needs_met").code == 0
    assert small.counts("w1") == (0, 0, 2)
    small.at("2026-04-04 10:59")
    assert small.counts("w1") == (0, 0, 0)
    assert len(read("w1")) == 2
    small.at("2026-04-04 11:00")
    small.calendar()
    assert read("w1") == []


def test_who_covers_has_the_dates_while_they_cover_and_no_longer(house: Callable[..., House]) -> None:
    small = house()
    small.calendar()
    away(Absence("w1", date(2026, 3, 9), date(2026, 3, 11), "m1"))
    assert small.counts("m1") == (0, 0, 0)
    small.at("2026-03-09 10:00")
    assert small.counts("m1") == (2, 2, 0)
    assert [row[2] for row in shown("w1")] == ["CANCELLED"] * 2
    small.at("2026-03-11 23:59")
    assert small.counts("m1") == (2, 0, 0)
    small.at("2026-03-12 00:00")
    assert small.counts("w1") == (2, 2, 0)
    assert [row[2:] for row in shown("w1")] == [("CONFIRMED", 2)] * 2
    assert [row[2] for row in shown("m1")] == ["CANCELLED"] * 2


def test_who_has_left_finds_all_cancelled_and_the_file_goes_thirty_days_later(house: Callable[..., House]) -> None:
    small = house()
    small.calendar()
    Path("people.csv").write_text(PEOPLE.replace("helper,North,m1,,\n", "helper,North,m1,,2026-03-05\n"))
    assert small.cli("import", "--people", "people.csv").code == 0
    assert small.calendar()["w1"]["state"] == "unchanged"
    small.at("2026-03-06 10:00")
    found = small.calendar()
    assert (found["w1"]["entries"], found["w1"]["cancelled"], found["w1"]["state"]) == (0, 2, "written")
    assert found["m1"]["entries"] == 2  # one rung up, where nobody covers
    small.at("2026-04-05 11:00")
    assert small.calendar()["w1"]["state"] == "removed"
    assert "w1" not in small.calendar()
    assert not Path("cals", "w1.ics").exists()


# ---- meetings


def test_the_sitting_to_which_a_case_goes_is_in_the_calendars_of_its_lead_and_of_who_takes_it_there(
    house: Callable[..., House],
) -> None:
    small = house("C1,stuck,2026-03-04,,,\n")
    small.calendar()
    assert words("w1", "Panel") == words("m1", "Panel") == [
        "Panel (clause 3)",
        "Tuesday 10 March 2026; bring matters by the end of Friday 6 March 2026",
        "Of yours on its agenda: 1 case (C1)",
    ]  # fmt: skip
    assert by_title("w1")["Panel"].summary.value == "Early Help: meeting"
    assert "Panel" not in by_title("w2")
    small.bring("C1,taken,2026-03-05,,,\n")
    assert small.calendar()["w1"]["cancelled"] == 1


def test_what_a_sitting_did_not_hear_comes_before_the_next_and_what_came_too_late_goes_to_the_one_after(
    house: Callable[..., House],
) -> None:
    small = house("C1,stuck,2026-03-04,,,\nC2,stuck,2026-03-09,,,\n")
    small.at("2026-03-10 10:00")
    small.calendar()
    assert by_title("w1")["Panel"].dtstart.value == date(2026, 3, 10)
    assert by_title("w2")["Panel"].dtstart.value == date(2026, 3, 17)
    small.at("2026-03-11 10:00")
    small.calendar()
    assert by_title("w1")["Panel"].dtstart.value == date(2026, 3, 17)
    assert words("m1", "Panel")[2] == "Of yours on its agenda: 2 cases (C1, C2)"


def test_a_sitting_that_is_moved_is_the_same_entry_on_its_new_day(
    house: Callable[..., House], install: Install
) -> None:
    small = house("C1,stuck,2026-03-04,,,\n")
    small.calendar()
    before = by_title("w1")["Panel"].uid.value
    with Path("config.toml").open("a") as file:
        file.write('\n[sittings.smallshire.panel]\n"2026-03-10" = 2026-03-12\n')
    small.calendar()
    after = by_title("w1")["Panel"]
    assert (after.uid.value, after.dtstart.value, after.sequence.value) == (before, date(2026, 3, 12), "1")


def test_what_is_due_before_a_sitting_goes_to_that_sitting_and_not_to_one_that_comes_first(
    house: Callable[..., House],
) -> None:
    small = house("C1,stuck,2026-03-09,,,\n", more=PREPARED)
    small.at("2026-03-09 10:00")
    small.calendar()
    # It came too late for Tuesday 10 March.
    assert by_title("w1")["Papers for the panel"].dtstart.value == date(2026, 3, 9)
    assert [row[0] for row in shown("w1") if row[1] == "Panel (clause 3)"] == [date(2026, 3, 17)]


def test_a_sitting_of_one_hub_is_moved_without_the_others(house: Callable[..., House], install: Install) -> None:
    events = "C1,stuck,2026-03-04,,,\nC2,stuck,2026-03-04,,,\n"
    moved = HOOKS + hook("ehscheduler_sittings", '{"panel/South": {date(2026, 3, 10): date(2026, 3, 12)}}')
    small = house()
    install("smallshire", moved, policy=POLICY.replace('on = "every Tuesday"', 'on = "every Tuesday"\nper = "team"'))
    small.bring(events)
    small.calendar()
    assert by_title("w1")["Panel"].dtstart.value == date(2026, 3, 10)
    assert by_title("w2")["Panel"].dtstart.value == date(2026, 3, 12)


# ---- what it prints, and what stands in the way


def test_it_says_of_each_person_what_is_new_and_what_was_cancelled(house: Callable[..., House]) -> None:
    small = house()
    said = small.cli("calendar", "--out", "cals")
    assert said.code == 0
    assert "Calendars of smallshire in cals" in said.out
    for heading in ("person", "file", "entries", "changed", "cancelled"):
        assert heading in said.out
    assert "3 written, 0 as before, 0 removed." in said.out
    assert "0 written, 3 as before, 0 removed." in small.cli("calendar", "--out", "cals").out
    assert list(small.calendar()["w1"]) == [
        "authority",
        "person",
        "file",
        "state",
        "entries",
        "changed",
        "cancelled",
    ]


@pytest.mark.parametrize("text", ["my own calendar", "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n", ""])
def test_a_file_in_the_way_is_named_and_nothing_is_written(house: Callable[..., House], text: str) -> None:
    small = house()
    Path("cals").mkdir()
    Path("cals", "w1.ics").write_text(text)
    Path("cals", "other.ics").write_text("not in the way")
    said = small.cli("calendar", "--out", "cals")
    assert said.code == 1
    assert "cals/w1.ics: it is not" in said.err
    assert "nothing was written; move it away, or name another folder with --out" in said.flat
    assert sorted(path.name for path in Path("cals").iterdir()) == ["other.ics", "w1.ics"]
    assert Path("cals", "w1.ics").read_text() == text


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        (("calendar",), 2, "--out"),
        (("calendar", "--out", "cals", "--format", "xml"), 2, "neither json nor table"),
        (("calendar", "--out", "config.toml"), 1, "config.toml: is not a folder"),
        (("calendar", "--out", "cals", "--authority", "nowhere"), 1, "nowhere"),
    ],
    ids=["no folder named", "no such form", "a file", "no such council"],
)
def test_what_cannot_be_done_is_said(house: Callable[..., House], asked: tuple[str, ...], code: int, says: str) -> None:
    said = house().cli(*asked)
    assert said.code == code
    assert says in " ".join(said.all.replace("│", " ").split())
    assert not Path("cals").exists()


def test_a_council_without_people_has_no_calendars_and_says_so(cli: Cli, install: Install) -> None:
    install("smallshire", HOOKS, policy=POLICY)
    cli("init", "--authority", "smallshire")
    said = cli("calendar", "--out", "cals")
    assert said.code == 0
    assert "smallshire has no people" in said.out
