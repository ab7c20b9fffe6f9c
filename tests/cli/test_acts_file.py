"""acts.csv: managers have no command line. Each row is done as its command does it, once, by whoever did it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.store import Store
from ehscheduler.store.alarms import alarms
from ehscheduler.store.events import events_of
from ehscheduler.store.imports import imports, rows_set_aside
from ehscheduler.store.schema import EVERYWHERE
from tests.cli.conftest import Cli
from tests.cli.test_working_set import HEAD, PEOPLE
from tests.daemon.house import VISIT
from tests.test_plugins import HOOKS, Install, install, site

__all__ = ["install", "site"]

RULES = """
[standard.dispute]
title = "Dispute decided"
clause = "7"
due = "24 hours after each dispute_raised"
met_by = "dispute_resolved"
owner = "manager"
decided_by = "tiers"
where = { about = "level" }
[ladder.tiers]
title = "Disputes"
clause = "7"
steps = [
  { who = ["manager", "helper"], together = true, due = "8 hours after dispute_raised" },
  { who = ["director"], due = "24 hours after dispute_raised", final = true },
]
"""
POLICY = (HEAD + VISIT + RULES).replace("testshire", "smallshire").replace("[roles]", '[roles]\nhelper = "Helper"')
COLUMNS = "at,by,authority,case_ref,act,ref,detail\n"
DIRECTOR = "d1,Dee Director,d1@council.example,director,,,,\n"


def row(
    at: str, by: str, act: str, ref: str = "", case: str = "C1", authority: str = "smallshire", **detail: Any
) -> str:
    written = json.dumps(detail).replace('"', '""') if detail else ""
    return f'{at},{by},{authority},{case},{act},{ref},"{written}"\n'


@pytest.fixture
def small(cli: Cli, install: Install, tmp_path: Path, at: Callable[[str], None]) -> Cli:
    """A council with one family, whose first visit is due on Monday 16 March; it is Friday 6 March."""
    at("2026-03-06 10:00")
    install("smallshire", HOOKS, policy=POLICY)
    (tmp_path / "people.csv").write_text(PEOPLE + DIRECTOR)
    (tmp_path / "cases.csv").write_text("case_ref,team,lead\nC1,North,w1\nC2,North,w1\n")
    allocated = "".join(f"{case},allocation,2026-03-02T08:00,,,\n" for case in ("C1", "C2"))
    (tmp_path / "events.csv").write_text("case_ref,event,occurred_at,recorded_at,ref,detail\n" + allocated)
    cli("init", "--authority", "smallshire")
    assert cli("import", "--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv").code == 0
    return cli


def take(cli: Cli, *rows: str) -> Any:
    Path("acts.csv").write_text(COLUMNS + "".join(rows))
    return cli("import", "--acts", "acts.csv")


def visit(cli: Cli, case: str = "C1") -> Any:
    found = json.loads(cli("due", "--format", "json").out)
    return next((one for one in found if (one["case"], one["key"]) == (case, "visit")), None)


# ---- each act


def test_a_relaxation_moves_the_limit(small: Cli) -> None:
    said = take(
        small,
        row("2026-03-06T09:00", "m1", "relax", rules=["visit"], until="2026-03-27", by_role="manager", reason="family"),
    )
    assert (said.code, said.out.strip()) == (0, "1 act done, 0 known already.")
    assert visit(small)["due_on"] == "2026-03-27"


def test_an_extension_moves_the_limit_by_weeks(small: Cli) -> None:
    assert take(small, row("2026-03-06T09:00", "m1", "extend", weeks=2, by_role="manager", reason="family")).code == 0
    assert visit(small)["due_on"] == "2026-03-30"


def test_an_acknowledgement_is_of_whoever_wrote_it(small: Cli, at: Callable[[str], None]) -> None:
    at("2026-03-18 10:00")
    assert take(small, row("2026-03-18T09:00", "w1", "acknowledge", "visit", reason="family")).code == 0
    assert visit(small)["due_on"] == "2026-03-16"


def test_an_acknowledgement_that_comes_when_it_has_run_out_is_put_on_record_and_quiets_nobody(
    small: Cli, at: Callable[[str], None]
) -> None:
    at("2026-03-18 10:00")
    old = row("2026-03-09T09:00", "w1", "acknowledge", "visit", reason="family")
    assert take(small, old).out.strip() == "1 act done, 0 known already."
    assert take(small, old).out.strip() == "0 acts done, 1 known already."


def test_a_hold_a_closure_and_an_event_are_put_on_record(small: Cli) -> None:
    rows = [
        row("2026-03-05", "m1", "hold", reason="stepped_up"),
        row("2026-03-05T15:00", "m1", "resume"),
        row("2026-03-06", "w1", "record", case="C2", event="home_visit"),
        row("2026-03-06T09:30", "m1", "close", reason="moved"),
    ]
    assert take(small, *rows).out.strip() == "4 acts done, 0 known already."
    assert (visit(small), visit(small, "C2")) == (None, None)


def test_a_dispute_is_raised_answered_decided_together_and_goes_up_where_they_differ(small: Cli) -> None:
    rows = [
        row("2026-03-05T09:00", "w1", "dispute_open", about="level"),
        row("2026-03-05T09:30", "m1", "dispute_answer", "D-1", says="disagree"),
        row("2026-03-05T10:00", "m1", "dispute_decide", "D-1", role="manager", outcome="level_three"),
        row("2026-03-05T10:10", "w2", "dispute_decide", "D-1", role="helper", outcome="level_two"),
        row("2026-03-05T11:00", "d1", "dispute_decide", "D-1", role="director", outcome="level_two"),
    ]
    said = take(small, *rows)
    assert said.code == 0, said.all
    [one] = json.loads(small("dispute", "list", "--all", "--format", "json").out)
    assert (one["state"], one["outcome"], one["answer"], one["stage"]) == ("decided", "level_two", "disagree", 2)


def test_a_dispute_is_taken_up_and_taken_back(small: Cli) -> None:
    rows = [
        row("2026-03-05T09:00", "w1", "dispute_open", about="level"),
        row("2026-03-05T10:00", "m1", "dispute_advance", "D-1"),
        row("2026-03-05T11:00", "w1", "dispute_withdraw", "D-1"),
    ]
    assert take(small, *rows).code == 0
    [one] = json.loads(small("dispute", "list", "--all", "--format", "json").out)
    assert (one["state"], one["stage"]) == ("withdrawn", 2)


# ---- again, out of order, and growing


def test_the_same_file_again_changes_nothing_and_a_row_more_is_one_act(small: Cli) -> None:
    first = [
        row("2026-03-05T09:00", "w1", "dispute_open", about="level"),
        row("2026-03-05T10:00", "m1", "dispute_decide", "D-1", role="manager", outcome="level_three"),
        row("2026-03-05T10:10", "w2", "dispute_decide", "D-1", role="helper", outcome="level_three"),
        row("2026-03-06T08:00", "m1", "relax", rules="visit", until="2026-03-27", by_role="manager", reason="family"),
        row("2026-03-06T08:30", "w1", "acknowledge", "visit", reason="family"),
    ]
    assert take(small, *first).out.strip() == "5 acts done, 0 known already."
    again = take(small, *first)
    assert (again.code, again.out.strip()) == (0, "0 acts done, 5 known already.")
    more = take(small, *first, row("2026-03-06T09:00", "m1", "close", reason="moved"))
    assert more.out.strip() == "1 act done, 5 known already."


def test_rows_are_done_in_the_order_in_which_they_happened(small: Cli) -> None:
    rows = [
        row("2026-03-05T11:00", "w1", "dispute_withdraw", "D-1"),
        row("2026-03-05T09:00", "w1", "dispute_open", about="level"),
    ]
    assert take(small, *rows).out.strip() == "2 acts done, 0 known already."


# ---- what cannot be done


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (row("2026-03-06T09:00", "x9", "hold", reason="a"), "by names nobody who worked here on that day"),
        (row("2026-03-07T09:00", "m1", "hold", reason="a"), "lies ahead"),
        (row("2026-03-06T09:00", "m1", "holdd", reason="a"), "no act 'holdd' is known; did you mean 'hold'?"),
        (row("2026-03-06T09:00", "m1", "hold"), "hold wants 'reason' in detail"),
        (row("2026-03-06T09:00", "m1", "hold", "X", reason="a"), "hold has no ref; leave the column blank"),
        (row("2026-03-06T09:00", "m1", "dispute_advance"), "wants the ref of what it is about"),
        (
            row("2026-03-06T09:00", "m1", "relax", rules=["visit"], untill="2026-03-27", by_role="manager", reason="a"),
            "did you mean 'until'?",
        ),
        (
            row("2026-03-06T09:00", "w1", "relax", rules=["visit"], until="2026-03-27", by_role="manager", reason="a"),
            "w1 is not Manager in people.csv",
        ),
        (
            row("2026-03-06T09:00", "m1", "relax", rules=["visit"], until="soon", by_role="manager", reason="a"),
            "until is not a date",
        ),
        (row("2026-03-06T09:00", "m1", "hold", case="C9", reason="a"), "has no case 'C9'"),
        (row("2026-03-06T09:00", "m1", "hold", authority="bigshire", reason="a"), "no authority 'bigshire' is known"),
        (row("06/03/2026", "m1", "hold", reason="a"), "has the day or the month first"),
        (row("2026-03-06T09:00", "w1", "dispute_open", about="levle"), "did you mean 'level'?"),
        ('2026-03-06T09:00,m1,smallshire,C1,hold,,"{""reason\n', None),
    ],
    ids=[
        "nobody",
        "ahead",
        "no act",
        "lacking",
        "a ref too many",
        "no ref",
        "a wrong key",
        "rank",
        "no date",
        "no case",
        "no council",
        "a date",
        "nothing to dispute",
        "broken off",
    ],
)
def test_a_row_that_cannot_be_done_is_set_aside_with_its_line_and_the_others_are_done(
    small: Cli, line: str, says: str | None
) -> None:
    said = take(small, row("2026-03-06T08:00", "m1", "close", case="C2", reason="moved"), line)
    assert said.code == 1
    if says is None:
        assert visit(small, "C2") is not None  # a file that breaks off is not believed at all
        return
    assert says in said.err
    assert "acts.csv, line 3" in said.err
    assert visit(small, "C2") is None
    assert visit(small)["due_on"] == "2026-03-16"
    assert "1 of 2 rows were set aside" in small("doctor").out


def test_a_file_that_is_mended_clears_the_alarm(small: Cli) -> None:
    take(small, row("2026-03-06T09:00", "m1", "hold"))
    assert "set aside" in small("doctor").out
    take(small, row("2026-03-06T09:00", "m1", "hold", reason="stepped_up"))
    assert "set aside" not in small("doctor").out


def test_a_row_never_stands_in_an_error_in_its_own_words(small: Cli) -> None:
    said = take(small, row("2026-03-06T09:00", "m1", "hold", "Marigold", reason="Marigold"))
    assert "Marigold" not in said.all


# ---- who may


@pytest.mark.parametrize(
    ("event", "act"),
    [
        ("relaxation_agreed", "relax"),
        ("relaxation_noted_late", "relax"),
        ("extension_approved", "extend"),
        ("dispute_raised", "dispute_open"),
        ("dispute_answered", "dispute_answer"),
        ("dispute_resolved", "dispute_decide"),
        ("dispute_decided", "dispute_decide"),
        ("dispute_escalated", "dispute_advance"),
        ("dispute_withdrawn", "dispute_withdraw"),
        ("acknowledged", "acknowledge"),
        ("closed", "close"),
        ("hold_started", "hold"),
        ("hold_ended", "resume"),
    ],
)
def test_what_has_an_act_of_its_own_is_not_recorded_past_it(small: Cli, event: str, act: str) -> None:
    more = {"rules": ["visit"], "until": "2027-06-01", "by_role": "manager", "reason": "family", "person": "m1"}
    said = take(small, row("2026-03-06T09:00", "w1", "record", event=event, **more))
    assert said.code == 1
    assert f"write it as the act {act}, which asks who may" in said.flat
    assert visit(small)["due_on"] == "2026-03-16"


def test_only_who_is_of_a_dispute_takes_it_up(small: Cli) -> None:
    opened = row("2026-03-06T08:00", "w1", "dispute_open", "D-1", about="level")
    other = "o1,Oz Other,o1@council.example,worker,South,,,\n"
    Path("people.csv").write_text(PEOPLE + DIRECTOR + other)
    assert small("import", "--people", "people.csv").code == 0
    said = take(small, opened, row("2026-03-06T08:30", "o1", "dispute_advance", "D-1"))
    assert said.code == 1
    assert "o1 is not of this dispute: Manager and Helper, the two sides, the lead or their manager" in said.flat
    assert take(small, opened, row("2026-03-06T09:00", "m1", "dispute_advance", "D-1")).code == 0


OTHERS = "o1,Oz Other,o1@council.example,worker,South,,,\nm2,Max Manager,m2@council.example,manager,South,,,\n"


@pytest.fixture
def two_teams(small: Cli) -> Cli:
    """The council with a second team, whose people have the same roles, and whose worker left on 5 March."""
    gone = "g1,Gus Gone,g1@council.example,worker,South,,,2026-03-05\n"
    Path("people.csv").write_text(PEOPLE + DIRECTOR + OTHERS + gone)
    assert small("import", "--people", "people.csv").code == 0
    return small


@pytest.mark.parametrize("by", ["o1", "m2"])
@pytest.mark.parametrize(("act", "detail"), [("hold", {"reason": "stepped_up"}), ("close", {"reason": "moved"})])
def test_nobody_of_another_team_puts_a_case_on_hold_or_closes_it(
    two_teams: Cli, by: str, act: str, detail: dict[str, Any]
) -> None:
    said = take(two_teams, row("2026-03-06T09:00", by, act, **detail))
    assert said.code == 1
    assert f"{by} is not of this case: its lead, their line manager" in said.flat
    assert visit(two_teams)["due_on"] == "2026-03-16"


def test_nobody_of_another_team_ends_a_hold(two_teams: Cli) -> None:
    held = row("2026-03-05", "m1", "hold", reason="stepped_up")
    said = take(two_teams, held, row("2026-03-06T09:00", "m2", "resume"))
    assert said.out.strip() == "1 act done, 0 known already."
    assert "m2 is not of this case" in said.flat


@pytest.mark.parametrize("by", ["w1", "m1", "d1", "o1"])
def test_the_lead_who_covers_for_them_and_who_is_above_put_a_case_on_hold(two_teams: Cli, by: str) -> None:
    Path("absences.csv").write_text("person_id,away_from,away_to,cover_id\nw1,2026-03-06,2026-03-06,o1\n")
    if by == "o1":
        assert two_teams("import", "--absences", "absences.csv").code == 0
    assert take(two_teams, row("2026-03-06T09:00", by, "hold", reason="stepped_up")).code == 0


def test_an_act_that_was_done_stays_done_when_whoever_did_it_is_no_more_of_the_case(
    two_teams: Cli, at: Callable[[str], None]
) -> None:
    held = row("2026-03-06T09:00", "w1", "hold", reason="stepped_up")
    assert take(two_teams, held).code == 0
    at("2026-03-09 10:00")
    Path("cases.csv").write_text("case_ref,team,lead\nC1,South,o1\nC2,North,w1\n")
    assert two_teams("import", "--cases", "cases.csv").code == 0
    assert take(two_teams, held).out.strip() == "0 acts done, 1 known already."


@pytest.mark.parametrize(("by", "may"), [("d1", True), ("o1", False)])
def test_a_side_of_a_dispute_is_who_has_that_role_for_the_case(two_teams: Cli, by: str, may: bool) -> None:
    opened = row("2026-03-06T08:00", "w1", "dispute_open", "D-1", about="level", by_role="director", against="worker")
    assert take(two_teams, opened, row("2026-03-06T08:30", by, "dispute_advance", "D-1")).code == (0 if may else 1)


def test_who_has_left_since_takes_up_no_more_than_they_might_have_then(two_teams: Cli) -> None:
    opened = row("2026-03-04T08:00", "w1", "dispute_open", "D-1", about="level")
    said = take(two_teams, opened, row("2026-03-04T09:00", "g1", "dispute_advance", "D-1"))
    assert "g1 is not of this dispute" in said.flat


def test_nobody_acknowledges_for_another(small: Cli, at: Callable[[str], None]) -> None:
    at("2026-03-18 10:00")
    said = take(small, row("2026-03-18T09:00", "m1", "acknowledge", "visit", reason="family", person="w1"))
    assert (said.code, "no use for one of the keys in detail" in said.flat) == (1, True)
    own = row("2026-03-18T09:00", "w1", "acknowledge", "visit", reason="family", until="2026-03-20")
    assert take(small, own).code == 0
    with Store.open("sqlite:///ehscheduler.db") as store, store.read() as tx:
        made = [event for event in events_of(tx, "smallshire", "C1") if event.word == "acknowledged"]
    assert [event.detail["person"] for event in made] == ["w1"]


def test_a_reason_is_a_code_and_no_free_text(small: Cli) -> None:
    for act, detail in (
        ("relax", {"rules": ["visit"], "until": "2026-03-27", "by_role": "manager"}),
        ("extend", {"weeks": 1, "by_role": "manager"}),
        ("hold", {}),
        ("close", {}),
    ):
        for reason in ("Mrs Canary is ill", [1, 2]):
            said = take(small, row("2026-03-06T09:00", "m1", act, reason=reason, **detail))
            assert said.code == 1
            assert "a reason is a code in small letters" in said.flat
            assert "Canary" not in said.all


# ---- whose rows


def test_a_file_of_another_name_and_one_without_rows_leave_the_alarm_of_bad_rows(small: Cli) -> None:
    take(small, row("2026-03-06T09:00", "nobody", "close", reason="outcomes_met"))
    assert "1 of 1 rows were set aside" in small("status").flat
    take(small)
    assert "1 of 1 rows were set aside" in small("status").flat
    Path("other.csv").write_text(COLUMNS + row("2026-03-06T09:00", "m1", "close", reason="outcomes_met", case="C2"))
    assert small("import", "--acts", "other.csv").code == 0
    assert "1 of 1 rows were set aside" in small("status").flat
    assert take(small, row("2026-03-06T09:00", "m1", "close", reason="outcomes_met")).code == 0
    assert "set aside" not in small("status").flat


def test_a_row_that_names_no_authority_is_told_by_its_line_alone(small: Cli) -> None:
    said = take(small, row("2026-03-06T09:00", "m1", "close", authority="elsewhere", case="SECRET-7", reason="met"))
    assert said.code == 1
    assert "SECRET-7" not in small("status").all + small("doctor").all


@pytest.fixture
def councils(small: Cli, install: Install) -> Cli:
    """A second council in the same database, with people and cases of its own."""
    install("bigshire", HOOKS, policy=POLICY.replace("smallshire", "bigshire"))
    assert small("import", "--authority", "bigshire", "--cases", "cases.csv", "--people", "people.csv").code == 0
    return small


def open_alarms() -> list[tuple[str, str]]:
    with Store.open("sqlite:///ehscheduler.db") as store, store.read() as tx:
        return [(alarm.authority, alarm.text) for alarm in alarms(tx) if alarm.code == "rows set aside"]


def kept_aside() -> list[tuple[str, str]]:
    with Store.open("sqlite:///ehscheduler.db") as store, store.read() as tx:
        found = [(name, imported) for name in ("bigshire", "smallshire") for imported in imports(tx, name)]
        return [(name, one.reason) for name, imported in found for one in rows_set_aside(tx, name, imported.id)]


def test_a_row_is_set_aside_with_its_own_authority_and_with_no_other(councils: Cli) -> None:
    good = row("2026-03-06T09:00", "m1", "close", authority="bigshire", reason="moved")
    assert take(councils, row("2026-03-06T09:00", "m1", "close", case="SECRET-7", reason="moved"), good).code == 1
    text = "acts.csv: 1 of 1 rows were set aside; correct them and import it again"
    assert open_alarms() == [("smallshire", text)]
    assert [name for name, said in kept_aside() if "SECRET-7" in said] == ["smallshire"]


@pytest.mark.parametrize("name", ["elsewhere", ""])
def test_a_row_of_no_known_authority_is_told_once_and_without_its_case(councils: Cli, name: str) -> None:
    assert take(councils, row("2026-03-06T09:00", "m1", "close", authority=name, case="SECRET-7", reason="m")).code == 1
    assert open_alarms() == [(EVERYWHERE, "acts.csv: 1 of 1 rows were set aside; correct them and import it again")]
    assert kept_aside() == []


def test_a_row_of_no_known_authority_belongs_to_the_one_that_the_import_is_of(councils: Cli) -> None:
    Path("acts.csv").write_text(COLUMNS + row("2026-03-06T09:00", "m1", "close", authority="elsewhere", reason="m"))
    assert councils("import", "--acts", "acts.csv", "--authority", "bigshire").code == 1
    assert [name for name, _ in open_alarms()] == ["bigshire"]
    assert kept_aside() == [("bigshire", "no authority 'elsewhere' is known")]


def test_a_row_of_the_wrong_width_is_an_alarm_too(councils: Cli) -> None:
    closed = row("2026-03-05", "m1", "close", reason="moved")
    assert take(councils, "2026-03-06T09:00,m1,smallshire\n", closed).code == 1
    assert [name for name, _ in open_alarms()] == [EVERYWHERE]


# ---- small words


@pytest.mark.parametrize("name", ["SMALLSHIRE", "Smallshire"])
def test_an_authority_in_other_letters_is_told_how_it_is_written(small: Cli, name: str) -> None:
    said = take(small, row("2026-03-06T09:00", "m1", "close", authority=name, reason="moved"))
    assert "acts.csv, line 2: authority is written 'smallshire', in small letters" in said.flat


def test_a_row_has_columns_and_no_options(small: Cli) -> None:
    assert "line 2: at: 2026-03-07T09:00 lies" in take(small, row("2026-03-07T09:00", "m1", "hold", reason="a")).flat
    late = {"rules": ["visit"], "until": "2026-03-27", "by_role": "manager", "reason": "family", "late": True}
    said = take(small, row("2026-03-06T09:00", "m1", "relax", **late))
    assert "relax it without late" in said.flat


def test_a_folder_is_named(small: Cli) -> None:
    assert small("import", "--acts", ".").flat.startswith(f"{Path.cwd().name}: is a folder")
