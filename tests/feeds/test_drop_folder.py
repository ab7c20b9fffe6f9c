"""The drop folder: files are taken when whole, in order, once, and end with a report beside them."""

import os
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.daemon import feeds, feeds_files
from ehscheduler.errors import StoreError
from ehscheduler.store.imports import imports
from tests.daemon.house import NAME
from tests.feeds.conftest import MAPPING, PEOPLE, Folder, extract, row, thirty


def test_a_file_is_taken_in_and_ends_in_done_with_a_report(fed: Folder) -> None:
    assert fed.left == []
    assert fed.names("done") == ["people-2026-03-02.csv", "steps-2026-03-02.csv"]
    assert fed.names("taking") == []
    assert "Events: 45 new, 0 known already" in fed.report("done")
    assert fed.events("F1") == ["allocation 2026-02-20", "home_visit 2026-02-25"]
    assert fed.house.alarms() == []


def test_what_ends_there_can_be_read_by_the_service_alone(fed: Folder) -> None:
    for path in (fed.path / "done").glob("*.report.txt"):
        assert path.stat().st_mode & 0o077 == 0
    assert (fed.path / "done").stat().st_mode & 0o077 == 0


def test_a_file_is_not_read_while_it_grows(folder: Folder) -> None:
    folder.put("steps.csv", extract(*thirty()[:3]))
    assert folder.look("2026-03-02 02:00").taken == 0
    folder.put("steps.csv", extract(*thirty()), changed="2026-03-02 02:01")
    assert folder.look("2026-03-02 02:01").taken == 0
    assert folder.look("2026-03-02 02:01:59").taken == 0
    assert folder.look("2026-03-02 02:02").taken == 1
    assert folder.events("F29") == ["allocation 2026-02-20"]


def test_nothing_is_taken_while_another_file_still_arrives(folder: Folder) -> None:
    folder.put("people.csv", PEOPLE)
    folder.look("2026-03-02 02:00")
    folder.put("steps.csv", extract(*thirty()))
    assert folder.look("2026-03-02 02:01").taken == 0
    assert folder.look("2026-03-02 02:02").taken == 2


@pytest.mark.parametrize("name", ["steps.csv.part", ".steps.csv", "steps.filepart", "steps.tmp"])
def test_what_a_transfer_writes_under_a_name_of_its_own_is_left_alone(folder: Folder, name: str) -> None:
    folder.put(name, "half")
    assert folder.night("2026-03-02 02:00") == feeds.Fed(0, 0)
    assert folder.left == [name]


def test_people_come_before_cases_and_the_older_before_the_newer(folder: Folder) -> None:
    folder.put("steps-2026-03-02.csv", extract(*thirty(row("N1", "Home Visit", "F29", "01/03/2026"))))
    folder.put("steps-2026-03-01.csv", extract(*thirty()))
    folder.put("people-2026-03-02.csv", PEOPLE)
    folder.night("2026-03-02 02:00")
    with folder.house.store.read() as tx:
        order = [run.file for run in reversed(imports(tx, NAME))]
    assert order == ["people-2026-03-02.csv", "steps-2026-03-01.csv", "steps-2026-03-02.csv"]


def test_cases_and_events_of_one_night_are_taken_together_or_not_at_all(folder: Folder) -> None:
    folder.put("cases-02.csv", "case_ref,team,lead\nC1,North,w1\n")
    folder.put(
        "events-02.csv",
        "case_ref,event,occurred_at,recorded_at,ref,detail\nC1,allocation,2026-02-20,,,\nC9,home_visit,2026-02-21,,,\n",
    )
    assert folder.night("2026-03-02 02:00") == feeds.Fed(0, 1)
    assert folder.names("refused") == ["contract-02"]
    folder.put("cases-03.csv", "case_ref,team,lead\nC1,North,w1\n")
    folder.put("events-03.csv", "case_ref,event,occurred_at,recorded_at,ref,detail\nC1,allocation,2026-02-20,,,\n")
    assert folder.night("2026-03-03 02:00") == feeds.Fed(1, 0)
    assert folder.names("done") == ["contract-03"]
    assert sorted(path.name for path in next((folder.path / "done").glob("*-03")).iterdir()) == [
        "cases-03.csv",
        "events-03.csv",
    ]
    assert folder.events("C1") == ["allocation 2026-02-20"]


def test_acts_are_done_and_their_report_says_what_was_set_aside(fed: Folder) -> None:
    header = "at,by,authority,case_ref,act,ref,detail\n"
    lines = f'2026-03-01T09:00,w1,{NAME},F20,close,,"{{""reason"": ""moved""}}"\n2026-03-01,w1,{NAME},F99,resume,,\n'
    fed.put("acts.csv", header + lines)
    assert fed.night("2026-03-02 03:00").taken == 1
    assert "Acts: 1 done, 0 known already\nSet aside: acts.csv, line 3" in fed.report("done")


def test_a_file_of_no_known_name_is_refused_and_told_with_the_names_that_are(fed: Folder) -> None:
    fed.put("minutes.docx", "x")
    assert fed.night("2026-03-02 03:00").refused == 1
    [told] = fed.told()
    assert "name it as one of people, absences, cases, events, steps or acts (.csv)" in told
    assert fed.names("refused") == ["minutes.docx"]


def test_a_link_or_a_pipe_is_never_opened(folder: Folder) -> None:
    (folder.path / "steps.csv").symlink_to("/etc/hostname")
    os.mkfifo(folder.path / "people.csv")
    assert folder.night("2026-03-02 02:00") == feeds.Fed(0, 2)


def test_what_lies_there_already_is_never_written_over(fed: Folder) -> None:
    for _ in range(3):
        fed.put("steps.csv", "")
        fed.look("2026-03-02 03:00")
        fed.look("2026-03-02 03:01")
    assert fed.names("refused") == ["2-steps.csv", "3-steps.csv", "steps.csv"]
    assert len(list((fed.path / "refused").glob("*.report.txt"))) == 3


def test_a_folder_that_is_gone_is_an_alarm_and_none_when_it_is_back(fed: Folder) -> None:
    fed.path.rename(fed.path.with_name("elsewhere"))
    fed.look("2026-03-02 03:00")
    [told] = fed.told()
    assert "could not be worked (No such file or directory); see that it exists and may be written" in told
    fed.path.with_name("elsewhere").rename(fed.path)
    fed.look("2026-03-02 03:01")
    assert fed.house.alarms() == []


def test_an_extract_without_a_mapping_is_refused_by_the_place_in_the_configuration(folder: Folder) -> None:
    folder.house.set(drop={NAME: {"folder": str(folder.path)}})
    folder.put("steps.csv", extract(*thirty()))
    folder.night("2026-03-02 02:00")
    assert f"[drop.{NAME}] names no mapping, which an extract needs; name one" in folder.report("refused")


# ---- killed at any line


class Killed(BaseException):
    """The daemon was killed here."""


STEPS_OF_A_TURN = ["gathered", "taken up", "stored", "reported", "moved"]


def kill_at(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Let the next look die at a step: before it, or where it is done and nothing has followed."""
    real = {"rename": os.rename, "take_files": feeds.take_files}

    def rename(old: Path, new: Path) -> None:
        at_end = "done" in Path(new).parts or "refused" in Path(new).parts
        if (step == "gathered" and Path(old).name.startswith(".")) or (step == "reported" and at_end):
            raise Killed
        real["rename"](old, new)
        if (step == "taken up" and Path(old).name.startswith(".")) or (step == "moved" and at_end):
            raise Killed

    def take_files(*given: Any, **more: Any) -> Any:
        taken = real["take_files"](*given, **more)
        if step == "stored":
            raise Killed
        return taken

    monkeypatch.setattr(feeds_files.os, "rename", rename)
    monkeypatch.setattr(feeds, "take_files", take_files)


@pytest.mark.parametrize("step", STEPS_OF_A_TURN)
@pytest.mark.parametrize("good", [True, False], ids=["a good file", "a bad file"])
def test_killed_at_any_step_the_next_look_ends_it_once(
    fed: Folder, monkeypatch: pytest.MonkeyPatch, step: str, good: bool
) -> None:
    anew = row("N1", "Home Visit", "F20", "02/03/2026 10:00")
    fed.put("steps-2026-03-03.csv", extract(*thirty(anew)) if good else extract(*thirty()[:4]))
    fed.look("2026-03-03 02:00")
    fed.house.at("2026-03-03 02:01")
    with monkeypatch.context() as patch:
        kill_at(patch, step if good or step != "stored" else "reported")
        with pytest.raises(Killed):
            fed.look()
    fed.told()
    # Days later: a file that was taken in is not taken for yesterday's again.
    fed.look("2026-03-09 09:00")
    fed.look("2026-03-09 09:01")
    assert (fed.left, fed.names("taking")) == ([], [])
    ended = "done" if good else "refused"
    assert fed.names(ended)[-1:] == ["steps-2026-03-03.csv"]
    assert fed.names("refused") == ([] if good else ["steps-2026-03-03.csv"])
    assert ("home_visit 2026-03-02" in fed.events("F20")) is good
    fed.told()
    alarms = fed.house.alarms(open_only=False)
    assert len([alarm for alarm in alarms if alarm.told_at]) == (not good)


def test_a_set_that_was_half_put_together_is_put_back_and_taken_whole(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.put("cases.csv", "case_ref,team,lead\nC1,North,w1\n")
    folder.put("events.csv", "case_ref,event,occurred_at,recorded_at,ref,detail\nC1,allocation,2026-02-20,,,\n")
    folder.look("2026-03-02 02:00")
    folder.house.at("2026-03-02 02:01")
    real, moved = os.rename, []

    def rename(old: Path, new: Path) -> None:
        if moved:
            raise Killed
        moved.append(old)
        real(old, new)

    with monkeypatch.context() as patch:
        patch.setattr(feeds_files.os, "rename", rename)
        with pytest.raises(Killed):
            folder.look()
    folder.put("cases.csv", "case_ref,team,lead\nC1,North,w1\nC2,North,w1\n")
    assert folder.left == ["cases.csv", "events.csv"]
    folder.night("2026-03-02 03:00")
    assert folder.names("done") == ["contract"]
    assert folder.names("refused") == ["overtaken-cases.csv"]
    assert folder.events("C1") == ["allocation 2026-02-20"]


def test_where_the_database_fails_the_file_waits_and_the_next_turn_takes_it(
    fed: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed.put("steps-2026-03-03.csv", extract(*thirty(row("N1", "Home Visit", "F20", "02/03/2026"))))
    fed.look("2026-03-03 02:00")
    fed.house.at("2026-03-03 02:01")

    def locked(*given: Any, **more: Any) -> Any:
        raise StoreError("locked")

    with monkeypatch.context() as patch:
        patch.setattr(feeds, "take_files", locked)
        with pytest.raises(StoreError):
            fed.look()
    assert fed.look("2026-03-03 02:02").taken == 1
    assert "home_visit 2026-03-02" in fed.events("F20")


def test_an_import_by_the_turn_says_so(folder: Folder) -> None:
    import random

    from ehscheduler.daemon.turn import turn

    folder.put("steps.csv", extract(*thirty()))
    folder.look("2026-03-02 09:00")
    folder.house.at("2026-03-02 09:02")
    said = turn(folder.house.desk, lambda: folder.house.now, stop=lambda: False, rng=random.Random(1)).said
    assert "1 drop taken in" in said
    assert "30 cases looked at" in said


def test_two_authorities_may_not_share_a_folder() -> None:
    from ehscheduler.config import config_from
    from ehscheduler.errors import ConfigRefused

    with pytest.raises(ConfigRefused, match="another authority has this folder too; give each its own"):
        config_from({"drop": {"a": {"folder": "in"}, "b": {"folder": "./in"}}}, "config.toml")


def test_the_mapping_of_the_tests_is_a_snapshot() -> None:
    assert 'kind   = "snapshot"' in MAPPING
