"""Who a role means on one case, on one day: found, covered, climbed past, or nobody."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from ehscheduler.core.people import Absence, Directory, Person, resolve
from ehscheduler.core.reading import read_policy

POLICY = read_policy(
    """
[policy]
authority = "testshire"
document = "A protocol for tests"
edition = "1"
nation = "england"
in_force = 2015-01-01
[roles]
worker = ["lead"]
manager = "Manager"
panel = ["manager", "director"]
director = "Director"
[standard.visit]
title = "Visit"
clause = "1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
tell = ["panel"]
[standard.plan]
title = "Plan"
clause = "2"
due = "10 working days after allocation"
met_by = "plan_agreed"
owner = "manager"
""",
    "test.toml",
)
DAY = date(2026, 3, 2)
ANN = Person("ann", "Ann", "ann@x.example", ("worker",), "North", "mo")
BEN = Person("ben", "Ben", "ben@x.example", ("worker",), "North", "mo")
MO = Person("mo", "Mo", "mo@x.example", ("manager",), "North", "dee")
SUE = Person("sue", "Sue", "sue@x.example", ("manager",), "South", "dee")
DEE = Person("dee", "Dee", "dee@x.example", ("director",), "")
ALL = (ANN, BEN, MO, SUE, DEE)


def who(
    role: str,
    *people: Person,
    lead: str | None = "ann",
    team: str | None = "North",
    hub: str | None = None,
    away: Sequence[Absence] = (),
    above: Sequence[str] = (),
) -> tuple[list[str], bool]:
    """Return the ids that a role means, and whether it climbed."""
    found = resolve(role, POLICY, Directory.on(people, DAY, away), lead=lead, team=team, hub=hub, above=above)
    return [person.person_id for person in found.people], found.climbed is not None


def off(person: str, cover: str | None = None, *, first: int = 0, last: int = 0) -> Absence:
    """Make an absence from so many days after DAY to so many."""
    return Absence(person, DAY + timedelta(days=first), DAY + timedelta(days=last), cover)


def gone(person: Person) -> Person:
    return replace(person, valid_to=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ("worker", ["ann"]),
        ("lead", ["ann"]),
        ("line_manager", ["mo"]),
        ("manager", ["mo"]),
        ("director", ["dee"]),
        ("panel", ["mo", "dee"]),
    ],
)
def test_a_role_means_the_people_of_the_case(role: str, found: list[str]) -> None:
    assert who(role, *ALL) == (found, False)


def test_a_role_of_another_team_is_not_meant() -> None:
    assert who("manager", *ALL, team="South") == (["sue"], False)


def test_a_role_that_serves_all_teams_is_meant_where_the_team_has_none() -> None:
    everywhere = replace(SUE, person_id="all", team="")
    assert who("manager", ANN, DEE, everywhere, team="North") == (["all"], False)


def test_the_only_holder_of_a_role_is_meant_whatever_their_team() -> None:
    assert who("manager", ANN, SUE, DEE, team="North") == (["sue"], False)


def test_all_who_hold_a_role_in_a_team_are_meant() -> None:
    assert who("manager", *ALL, replace(MO, person_id="max")) == (["max", "mo"], False)


@pytest.mark.parametrize(
    ("first", "last", "current"),
    [
        (None, None, True),
        (DAY, None, True),
        (date(2026, 3, 3), None, False),
        (None, DAY, True),
        (None, date(2026, 3, 1), False),
        (DAY, DAY, True),
    ],
    ids=["always", "from today", "from tomorrow", "until today", "until yesterday", "today alone"],
)
def test_a_person_is_current_from_their_first_day_to_their_last(
    first: date | None, last: date | None, current: bool
) -> None:
    ann = replace(ANN, valid_from=first, valid_to=last)
    assert who("worker", ann, BEN, MO, DEE) == ((["ann"], False) if current else (["mo"], True))


def test_a_case_without_a_lead_climbs_to_the_teams_manager() -> None:
    assert who("worker", *ALL, lead=None) == (["mo"], True)
    assert who("worker", *ALL, lead="nobody known") == (["mo"], True)


def test_the_lead_who_left_climbs_to_their_own_manager_whatever_the_team() -> None:
    assert who("worker", gone(ANN), MO, SUE, DEE, team="South") == (["mo"], True)


def test_a_manager_who_left_is_climbed_past() -> None:
    assert who("line_manager", ANN, gone(MO), DEE) == (["dee"], True)
    assert who("worker", gone(ANN), gone(MO), DEE) == (["dee"], True)


def test_where_nobody_is_left_nobody_is_meant_and_the_reason_is_given() -> None:
    found = resolve("manager", POLICY, Directory.on([gone(ANN)], DAY), lead="ann", team="North")
    assert found.people == ()
    assert found.climbed == "nobody current is Manager for this case"


def test_a_ring_of_managers_ends() -> None:
    ring = (replace(gone(ANN), line_manager_id="ben"), replace(gone(BEN), line_manager_id="ann"))
    assert who("worker", *ring, team=None) == ([], True)
    self_managed = replace(ANN, line_manager_id="ann")
    assert who("line_manager", self_managed, team=None)[0] in ([], ["ann"])


def test_a_chain_is_climbed_five_rungs_and_no_further() -> None:
    chain = [gone(Person(f"p{n}", f"P{n}", f"p{n}@x.example", ("clerk",), f"T{n}", f"p{n + 1}")) for n in range(8)]
    near = [*chain[:4], replace(chain[4], valid_to=None)]
    assert who("worker", *near, lead="p0", team=None) == (["p4"], True)
    far = [*chain[:7], replace(chain[7], valid_to=None)]
    assert who("worker", *far, lead="p0", team=None) == ([], True)


def test_somebody_who_comes_back_is_current_again() -> None:
    back = replace(ANN, valid_from=date(2026, 3, 2), email="new@x.example")
    found = resolve("worker", POLICY, Directory.on([gone(ANN), back], DAY), lead="ann", team="North")
    assert [person.email for person in found.people] == ["new@x.example"]


def test_who_left_is_known_by_their_last_row() -> None:
    first = replace(ANN, valid_from=date(2020, 1, 1), valid_to=date(2024, 12, 31), line_manager_id="sue")
    second = replace(ANN, valid_from=date(2025, 1, 1), valid_to=date(2026, 3, 1), line_manager_id="mo")
    for rows in ([first, second], [second, first]):
        assert who("worker", *rows, MO, SUE, DEE, team=None) == (["mo"], True)


# ---- leave and cover


@pytest.mark.parametrize(
    ("first", "last", "away"),
    [(0, 0, True), (-5, 0, True), (0, 5, True), (-5, -1, False), (1, 5, False)],
    ids=["today alone", "to today", "from today", "to yesterday", "from tomorrow"],
)
def test_somebody_is_away_from_the_first_day_to_the_last(first: int, last: int, away: bool) -> None:
    leave = [off("ann", "ben", first=first, last=last)]
    assert who("worker", *ALL, away=leave) == (["ben" if away else "ann"], False)


@pytest.mark.parametrize(
    ("away", "found"),
    [
        ([off("ann", "ben")], (["ben"], False)),
        ([off("ann")], (["mo"], True)),
        ([off("ann", "ben"), off("ben", "sue")], (["sue"], False)),
        ([off("ann", "ben"), off("ben")], (["mo"], True)),
        ([off("ann", "ben"), off("ben", "ann")], (["mo"], True)),
        ([off("ann", "nobody")], (["mo"], True)),
        ([off("ann"), off("mo")], (["dee"], True)),
        ([off("ann"), off("mo", "sue")], (["sue"], True)),
        ([off("ann"), off("mo"), off("dee")], ([], True)),
    ],
    ids=[
        "covered",
        "not covered",
        "the cover is covered",
        "the cover is away",
        "a ring",
        "the cover is unknown",
        "the manager is away too",
        "the manager is covered",
        "nobody is left",
    ],
)
def test_who_is_away_is_covered_or_climbed_past(away: list[Absence], found: tuple[list[str], bool]) -> None:
    assert who("worker", *ALL, away=away) == found


@pytest.mark.parametrize(("covers", "found"), [(5, (["c5"], False)), (6, (["mo"], True))], ids=["five", "six"])
def test_covers_are_followed_five_times_and_no_further(covers: int, found: tuple[list[str], bool]) -> None:
    chain = [Person(f"c{n}", f"C{n}", f"c{n}@x.example", ("clerk",), "") for n in range(1, covers + 1)]
    ids = ["ann", *(person.person_id for person in chain)]
    away = [off(one, other) for one, other in pairwise(ids)]
    assert who("worker", *ALL, *chain, away=away) == found


def test_somebody_who_left_is_covered_too_as_lead_and_in_a_role() -> None:
    assert who("worker", gone(ANN), BEN, MO, away=[off("ann", "ben")]) == (["ben"], False)
    assert who("manager", ANN, BEN, gone(MO), DEE, away=[off("mo", "ben")]) == (["ben"], False)
    assert who("manager", ANN, BEN, gone(MO), DEE, away=[off("mo")]) == (["dee"], True)


def test_a_cover_who_has_left_acts_for_nobody() -> None:
    assert who("worker", ANN, gone(BEN), MO, away=[off("ann", "ben")]) == (["mo"], True)


def test_of_several_holders_the_present_ones_hear_and_the_covers_of_the_others() -> None:
    several = (*ALL, replace(MO, person_id="max"), replace(MO, person_id="may"))
    assert who("manager", *several, away=[off("max", "ben")]) == (["ben", "may", "mo"], False)
    assert who("manager", *several, away=[off("max")]) == (["may", "mo"], False)
    assert who("manager", *several, away=[off("max", "mo")]) == (["mo", "may"], False)


def test_a_holder_who_is_away_without_cover_is_not_replaced_by_another_team() -> None:
    assert who("manager", *ALL, away=[off("mo")]) == (["dee"], True)


def test_a_lead_who_covers_their_manager_is_not_above_themselves() -> None:
    assert who("line_manager", *ALL, away=[off("mo", "ann")]) == (["dee"], True)
    assert who("manager", *ALL, away=[off("mo", "ann")]) == (["ann"], False)


def test_the_reason_says_who_is_away() -> None:
    found = resolve("manager", POLICY, Directory.on(ALL, DAY, [off("mo")]), lead="ann", team="North")
    assert found.climbed == "Manager is away (mo), and nobody who could act covers"


# ---- hubs and roles

NORA = Person("nora", "Nora", "nora@x.example", ("manager",), "Front", "dee", hub="Central")
SID = Person("sid", "Sid", "sid@x.example", ("manager",), "", "dee", hub="East")
ALEX = Person("alex", "Alex", "alex@x.example", ("manager",), "", "dee")
HUB_ANN, HUB_BEN = replace(ANN, hub="Central"), replace(BEN, hub="Central")


@pytest.mark.parametrize(
    ("people", "hub", "found"),
    [
        ((HUB_ANN, MO, NORA, SID, ALEX), None, ["mo"]),
        ((HUB_ANN, NORA, SID, ALEX), None, ["nora"]),
        ((HUB_ANN, NORA, SID, ALEX), "East", ["sid"]),
        ((HUB_ANN, SID, ALEX), None, ["alex"]),
        ((HUB_ANN, SID), None, ["sid"]),
        ((HUB_ANN, SUE, SID), None, []),
        ((HUB_ANN, replace(BEN, hub="East"), NORA, SID), None, []),
        ((ANN, NORA, SID, ALEX), None, ["alex"]),
    ],
    ids=[
        "own team",
        "the team's hub",
        "the hub of the case",
        "no team",
        "the only one",
        "none of two elsewhere",
        "a team that names two hubs",
        "a team without a hub",
    ],
)
def test_a_role_is_looked_for_in_the_team_then_the_hub_then_where_there_is_no_team(
    people: tuple[Person, ...], hub: str | None, found: list[str]
) -> None:
    ids, climbed = who("manager", *(replace(p, line_manager_id=None) for p in people), hub=hub)
    assert (ids, climbed) == (found, not found)


def test_somebody_holds_every_one_of_their_roles() -> None:
    both = replace(MO, roles=("worker", "manager", "director"))
    assert who("manager", ANN, both) == (["mo"], False)
    assert who("panel", ANN, both) == (["mo"], False)


# ---- up


@pytest.mark.parametrize(
    ("above", "people", "found"),
    [
        (("director",), (ANN, BEN, replace(MO, roles=("clerk",)), DEE), ["dee"]),
        ((), (ANN, BEN, replace(MO, roles=("clerk",)), DEE), ["mo"]),
        (("director",), (ANN, BEN, replace(MO, roles=("clerk",))), ["mo"]),
        (("panel", "director"), (ANN, DEE), ["dee"]),
    ],
    ids=["the rung above", "no ladder", "nobody on the rung above", "the nearest that reaches somebody"],
)
def test_up_is_the_rung_above_where_there_is_one_else_the_line_manager(
    above: tuple[str, ...], people: tuple[Person, ...], found: list[str]
) -> None:
    assert who("manager", *people, above=above) == (found, True)


@pytest.mark.parametrize(("away", "found"), [(4, ["p5"]), (5, [])], ids=["the fifth", "the sixth"])
def test_five_climbs_and_no_further(away: int, found: list[str]) -> None:
    chain = [Person(f"p{n}", f"P{n}", f"p{n}@x.example", ("clerk",), "", f"p{n + 1}") for n in range(8)]
    leave = [off(f"p{n}") for n in range(away + 1)]
    assert who("worker", *chain, lead="p0", team=None, away=leave) == (found, True)


def test_rungs_above_and_line_managers_are_five_climbs_together() -> None:
    chain = [Person(f"p{n}", f"P{n}", f"p{n}@x.example", ("clerk",), "", f"p{n + 1}") for n in range(8)]
    leave = [off("p0"), off("p1"), off("p2")]
    assert who("worker", *chain, lead="p0", team=None, away=leave, above=("director",) * 2) == (["p3"], True)
    assert who("worker", *chain, lead="p0", team=None, away=leave, above=("director",) * 3) == ([], True)


# ---- against a dull loop


def a_directory(rng: random.Random) -> tuple[list[Person], list[Absence]]:
    ids = [f"p{n}" for n in range(rng.randint(1, 9))]
    people = [
        Person(
            id_,
            id_,
            f"{id_}@x.example",
            tuple(rng.sample(["worker", "manager", "director"], rng.randint(1, 2))),
            rng.choice(["North", "South", ""]),
            rng.choice([None, *ids]),
            valid_to=rng.choice([None, None, None, DAY, DAY - timedelta(days=1)]),
            hub=rng.choice(["", "", "Central", "East"]),
        )
        for id_ in ids
    ]
    away = [off(id_, rng.choice([None, *ids, "p99"]), last=rng.choice([0, -1])) for id_ in ids if rng.random() < 0.4]
    return people, [one for one in away if one.away_to >= one.away_from]


class Dull:
    """The same rules again, written as they are said and with no regard to speed."""

    def __init__(self, people: list[Person], absences: list[Absence]) -> None:
        self.all = {p.person_id: p for p in people}
        self.here = [p.person_id for p in people if p.valid_to is None or p.valid_to >= DAY]
        self.covers = {a.person_id: a.cover_id for a in absences if a.away_from <= DAY <= a.away_to}

    def acting(self, id_: str | None, followed: int = 0) -> str | None:
        if id_ is None or followed > 5:
            return None
        if id_ in self.covers:
            return self.acting(self.covers[id_], followed + 1)
        return id_ if id_ in self.here else None

    def holders(self, role: str, team: str | None, hub: str | None) -> list[str]:
        posts = [i for i in self.all if i in self.here or self.covers.get(i)]
        posts = sorted(i for i in posts if role in self.all[i].roles)
        if hub is None:
            named = {self.all[i].hub for i in self.here if team and self.all[i].team == team} - {""}
            hub = min(named) if len(named) == 1 else None
        for chosen in (
            [i for i in posts if team and self.all[i].team == team],
            [i for i in posts if hub and self.all[i].hub == hub],
            [i for i in posts if self.all[i].team == "" and self.all[i].hub == ""],
        ):
            if chosen:
                return chosen
        return posts if len(posts) == 1 else []

    def resolve(
        self, role: str, lead: str | None, team: str | None, hub: str | None, above: tuple[str, ...]
    ) -> tuple[set[str], bool]:
        def told(posts: list[str | None], but: str | None = None) -> set[str]:
            return {a for a in map(self.acting, posts) if a is not None and a != but}

        manager = self.all[lead].line_manager_id if lead in self.all else None
        if role == "lead":
            found = told([lead])
        elif role == "line_manager":
            found = told([manager], but=lead)
        else:
            found = told([*self.holders(role, team, hub)])
        if found:
            return found, False
        steps: list[set[str]] = [told([*self.holders(up, team, hub)]) for up in above]
        passed = [lead]
        while manager is not None and manager not in passed:
            passed.append(manager)
            steps.append(told([manager], but=lead))
            manager = self.all[manager].line_manager_id if manager in self.all else None
        heads = {self.all[i].line_manager_id for i in self.here if team and self.all[i].team == team} - {None}
        own = sorted(h for h in heads if h in self.all and self.all[h].team == team)
        for head in (*own, *sorted(h for h in heads if h not in own)):
            if told([head], but=lead):
                steps.append(told([head], but=lead))
                break
        else:
            steps.append(set())
        return next((step for step in steps[:5] if step), set()), True


def test_random_directories_resolve_as_a_dull_loop_does(record_property: Callable[[str, object], None]) -> None:
    rng = random.Random(20260302)
    ways = {"found": 0, "covered": 0, "climbed": 0, "nobody": 0}
    for _ in range(5_000):
        people, absences = a_directory(rng)
        dull, directory = Dull(people, absences), Directory.on(people, DAY, absences)
        lead = rng.choice([None, "p98", *(p.person_id for p in people)])
        team, hub = rng.choice([None, "North", "South"]), rng.choice([None, None, "Central"])
        role = rng.choice(["lead", "line_manager", "manager", "director"])
        above = tuple(rng.sample(["manager", "director"], rng.randint(0, 2)))
        found = resolve(role, POLICY, directory, lead=lead, team=team, hub=hub, above=above)
        ids = {person.person_id for person in found.people}
        assert (ids, found.climbed is not None) == dull.resolve(role, lead, team, hub, above)
        assert len(ids) == len(found.people)
        assert all(directory.acting(id_) == directory.people[id_] for id_ in ids)
        ways["nobody" if not ids else "climbed" if found.climbed else "found"] += 1
        ways["covered"] += bool(ids and not found.climbed and role == "lead" and lead not in ids)
    record_property("figures", ways)
    assert min(ways.values()) > 50, ways
