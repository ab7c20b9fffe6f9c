"""status for people and for programs that watch: each state has its exit code and its figures."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ehscheduler.intake.caseload import Caseload
from ehscheduler.plugins import installed
from ehscheduler.store import Store
from ehscheduler.store.alarms import raise_alarm
from ehscheduler.store.schema import DELIVERY_STATES
from tests.cli.conftest import Cli, Said
from tests.daemon.house import moment

At = Callable[[str], None]
NAME = "nottinghamshire"


def figures(said: Said) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the figures as a reader of that format does that is not ours."""
    families = list(text_string_to_metric_families(said.out))
    assert all(family.type == "gauge" and family.documentation for family in families)
    names = [family.name for family in families]
    assert len(set(names)) == len(names)
    return {
        (one.name.removeprefix("ehscheduler_"), tuple(sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def of(name: str, **labels: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, tuple(sorted(labels.items()))


def watched(cli: Cli) -> tuple[int, dict[tuple[str, tuple[tuple[str, str], ...]], float]]:
    said = cli("status", "--format", "prometheus")
    assert said.err == ""
    return said.code, figures(said)


def test_all_is_well(cli: Cli) -> None:
    cli("init", "--authority", NAME)
    code, found = watched(cli)
    assert code == cli("status").code == 0
    assert found[of("sending_held")] == 0
    assert {found[of("authority_usable", authority=name)] for name in installed()} == {1}
    assert found[of("alarms_open", authority="*")] == 0
    assert found[of("deliveries", authority=NAME, channel="mail", state="waiting")] == 0
    assert not [key for key in found if key[0] == "last_turn_timestamp_seconds"]


def test_the_figures_are_those_of_the_table(council: Cli, at: At) -> None:
    council("tick")
    at("2026-07-07 08:30")
    council("tick")
    row = next(r for r in json.loads(council("status", "--format", "json").out)["authorities"] if r["cases"])
    _, found = watched(council)
    assert found[of("cases", authority=NAME)] == row["cases"] > 0
    open_ = {key[1]: value for key, value in found.items() if key[0] == "milestones_open"}
    assert sum(value for labels, value in open_.items() if ("authority", NAME) in labels) == row["open"] > 0
    assert found[of("milestones_open", authority=NAME, state="overdue")] == row["overdue"]
    for state in DELIVERY_STATES:
        assert found[of("deliveries", authority=NAME, channel="mail", state=state)] == row["deliveries"].get(state, 0)
    assert row["deliveries"]["handed_over"] > 0
    turned = found[of("last_turn_timestamp_seconds", authority=NAME)]
    assert turned == moment("2026-07-07 08:30").timestamp()


def test_an_alarm_is_exit_code_1_and_counted_where_it_belongs(council: Cli, tmp_path: Path) -> None:
    with Store.open(tmp_path / "ehscheduler.db") as store, store.begin() as tx:
        for authority in (NAME, "*"):
            raise_alarm(tx, authority, code="test", subject="one", text="it is wrong", at=moment("2026-07-06 10:00"))
    code, found = watched(council)
    assert code == council("status").code == 1
    assert found[of("alarms_open", authority=NAME)] == found[of("alarms_open", authority="*")] == 1


def test_a_plugin_that_is_refused_is_exit_code_1_and_not_usable(council: Cli, tmp_path: Path, at: At) -> None:
    with (tmp_path / "config.toml").open("a") as file:
        file.write(f'\n[readings.{NAME}.no-such-reading]\nanswer = "x"\n')
    code, found = watched(council)
    assert code == 1
    assert found[of("authority_usable", authority=NAME)] == 0
    assert of("milestones_open", authority=NAME, state="overdue") not in found
    assert found[of("cases", authority=NAME)] > 0


def test_sending_that_is_held_is_exit_code_3_and_says_why(council: Cli, tmp_path: Path, at: At) -> None:
    council("backup", "kept.db")
    (tmp_path / "before").mkdir()
    for left in tmp_path.glob("ehscheduler.db*"):
        left.rename(tmp_path / "before" / left.name)
    at("2026-07-08 12:00")
    council("restore", "kept.db")
    said = council("status")
    assert said.code == 3
    assert "Sending is held since 12:00 on Wednesday 8 July 2026" in said.flat
    assert "a backup of 10:00 on Monday 6 July 2026" in said.flat
    assert "'ehscheduler send-from'" in said.flat
    code, found = watched(council)
    assert (code, found[of("sending_held")]) == (3, 1)
    held = json.loads(council("status", "--format", "json").out)["sending_held"]
    assert held["sends_from"] is None
    council("send-from", "2026-07-08T11:00")
    said = council("status")
    assert said.code == 3
    assert "what is due from 11:00 on Wednesday 8 July 2026" in said.flat
    for _ in range(3):
        council("tick")
    code, found = watched(council)
    assert code != 3
    assert found[of("sending_held")] == 0


def test_no_figure_names_a_case_or_anybody(council: Cli, written: Caseload, at: At) -> None:
    at("2026-07-07 08:30")
    council("tick")
    shown = council("status", "--format", "prometheus").out
    _, found = watched(council)
    allowed = {"authority": {*installed(), "*"}, "state": None, "channel": {"mail"}}
    for _, labels in found:
        for label, value in labels:
            assert label in allowed
            assert allowed[label] is None or value in allowed[label]
            assert value.replace("_", "").isalpha() or value == "*"
    people = [line.split(",") for line in written.people.read_text().splitlines()[1:]]
    assert people
    assert not [cell for row in people for cell in row[:3] if len(cell) > 3 and cell in shown]


def test_a_channel_with_an_odd_name_is_written_so_that_it_can_be_read(council: Cli, tmp_path: Path) -> None:
    odd = 'so"uth\\n'
    with (tmp_path / "config.toml").open("a") as file:
        file.write(f'\n[channels.{json.dumps(odd)}]\nkind = "console"\n')
    _, found = watched(council)
    assert found[of("deliveries", authority=NAME, channel=odd, state="waiting")] == 0


@pytest.mark.parametrize("state", ["no database", "newer", "older"])
def test_a_database_that_cannot_be_used_is_exit_code_1_and_no_figures(council: Cli, tmp_path: Path, state: str) -> None:
    if state == "no database":
        (tmp_path / "ehscheduler.db").unlink()
    else:
        from sqlalchemy import text

        with Store.open(tmp_path / "ehscheduler.db") as store, store.begin() as tx:
            version = {"version": "9999" if state == "newer" else "0000"}
            tx.execute(text("UPDATE alembic_version SET version_num = :version").bindparams(**version))
    said = council("status", "--format", "prometheus")
    assert (said.code, said.out) == (1, "")
    assert {"no database": "init", "newer": "install that version", "older": "init"}[state] in said.err


def test_another_format_is_refused(council: Cli) -> None:
    said = council("status", "--format", "xml")
    assert said.code == 2
    assert "table, json, prometheus" in said.err
