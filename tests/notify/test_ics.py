"""Calendars: read back by another library than the one that wrote them, whatever stands in a field."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import vobject
from dateutil.rrule import rrulestr
from dateutil.tz import tzical
from hostile_strings import ADDRESSES_REFUSED, HEADER_STRINGS, NAMES_THAT_SURVIVE, PAGE_ATTACKS, TEMPLATE_ATTACKS
from hypothesis import given, settings
from hypothesis import strategies as st

from ehscheduler.errors import InputRefused
from ehscheduler.notify import ics_files
from ehscheduler.notify.ics import (
    GONE,
    KEPT_CANCELLED,
    LONDON,
    Book,
    Entry,
    NotOurs,
    Revised,
    owner_mark,
    read,
    revise,
    to_bytes,
)
from ehscheduler.notify.ics_files import Diary, file_name, keep
from ehscheduler.notify.whitelist import tidy

NOW = datetime(2026, 3, 9, 10, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
DOMAIN = "council.example"
OWNER = owner_mark("testshire", "w1")
VISIT = Entry(
    identity="visit",
    when=date(2026, 3, 16),
    summary="Early Help: due",
    lines=("First visit (clause 1.1)", "Case C1", "Limit: Monday 16 March 2026"),
    link="https://cases.council.example/open/C1",
)
CALL = replace(VISIT, identity="call", when=datetime(2026, 3, 10, 14, 5, tzinfo=UTC), link=None)
OF_CALENDAR = "version prodid calscale x-wr-caldesc x-wr-calname x-ehs-for x-ehs-highest x-wr-timezone".split()
OF_EVENT = "uid sequence dtstamp dtstart summary description url status transp class x-ehs-hash".split()
ICS_ATTACKS = {
    "an alarm": "x\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM",
    "an alarm, escaped": "x\\nBEGIN:VALARM\\nEND:VALARM",
    "an attachment": "x\nATTACH;FMTTYPE=text/html:https://evil.example/x",
    "an attendee": "x\rATTENDEE;RSVP=TRUE:mailto:evil@evil.example",
    "another entry": "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nSUMMARY:Other",
    "the end": "x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR",
    "a folded line": "x\r\n BEGIN:VALARM",
    "a tab": "x\r\n\tATTACH:y",
    "a line separator": "x\u2028BEGIN:VALARM\u2029END:VALARM",
    "next line": "x\x85BEGIN:VALARM",
    "parameters": ';VALUE=URI;X="a:b":https://evil.example',
    "separators": "a,b;c:d\\",
    "backslash n": "a\\n\\N\\,\\;\\\\",
    "quotes and carets": "\"^n^'^^",
    "a long word": "x" * 5000,
    "long and wide": "é" * 399,
    "wider": "李" * 399,
    "outside the plane": "\U0001f525" * 399,
    "marks that combine": "e" + "\u0301" * 300,
    "from right to left": "\u202eRALAV:NIGEB\u202c\u2066x\u2069\u200f",
    "a halved letter": "\ud83d\udcff",
    "nothing seen": "\u200b\u2060\ufeff\u00ad",
    "nul": "a\x00b",
    "a recurrence": "x\nRRULE:FREQ=SECONDLY",
}
HARD = [
    *ICS_ATTACKS.values(),
    *HEADER_STRINGS.values(),
    *TEMPLATE_ATTACKS,
    *PAGE_ATTACKS,
    *ADDRESSES_REFUSED.values(),
    *NAMES_THAT_SURVIVE,
]


def made(*entries: Entry, before: Book | None = None, now: datetime = NOW) -> Revised:
    return revise(before or Book(OWNER), entries, domain=DOMAIN, now=now)


def again(book: Book, *entries: Entry, now: datetime = NOW + DAY) -> Revised:
    """Write a calendar, read it back, and bring it up to date with these entries."""
    return made(*entries, before=read(to_bytes(book), OWNER), now=now)


def parsed(raw: bytes) -> Any:
    """Read a calendar with another library; there is one in it, and no line that a reader need not take."""
    assert raw.endswith(b"\r\n")
    lines = raw.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(letter in line for line in lines for letter in (b"\r", b"\n", b"\0"))
    [calendar] = vobject.readComponents(raw.decode("utf-8"))
    return calendar


def names(component: Any) -> list[str]:
    return sorted(line.name.lower() for line in component.lines())


def events(raw: bytes) -> list[Any]:
    """Return the entries of a calendar that holds nothing but them, London's clock, and what we write of it."""
    calendar = parsed(raw)
    inside = [part.name for part in calendar.components()]
    assert set(inside) <= {"VTIMEZONE", "VEVENT"}
    assert inside.count("VTIMEZONE") == 1
    assert names(calendar) == sorted(OF_CALENDAR)
    # The calendar itself, and the two halves of the clock, are not among these.
    assert raw.count(b"\nBEGIN:") + 1 == raw.count(b"\nEND:") == len(inside) + 3
    for event in calendar.contents.get("vevent", []):
        assert not list(event.components())
        assert len(names(event)) == len(set(names(event)))
        assert set(OF_EVENT) - {"url", "description", "summary"} <= set(names(event)) <= set(OF_EVENT)
    return list(calendar.contents.get("vevent", []))


# ---- what a file says


def test_an_entry_is_read_by_another_library_as_it_was_meant() -> None:
    call, visit = events(to_bytes(made(VISIT, CALL).book))
    assert visit.dtstart.value == date(2026, 3, 16)
    assert visit.dtstart.params == {"VALUE": ["DATE"]}
    assert call.dtstart.value == datetime(2026, 3, 10, 14, 5, tzinfo=UTC)
    assert visit.summary.value == "Early Help: due"
    assert visit.description.value == "\n".join(VISIT.lines)
    assert visit.url.value == VISIT.link
    assert not hasattr(call, "url")
    assert [visit.contents[name][0].value for name in ("status", "transp", "class")] == [
        "CONFIRMED",
        "TRANSPARENT",
        "PRIVATE",
    ]
    assert visit.sequence.value == "0"
    assert visit.dtstamp.value == NOW
    assert visit.uid.value.endswith("@council.example")
    assert "C1" not in visit.uid.value


def test_the_same_entries_at_the_same_instant_are_the_same_bytes_in_whatever_order() -> None:
    assert to_bytes(made(VISIT, CALL).book) == to_bytes(made(CALL, VISIT).book)


def test_a_calendar_with_nothing_in_it_is_one_all_the_same() -> None:
    assert events(to_bytes(made().book)) == []


def test_each_entry_has_an_identity_of_its_own() -> None:
    many = [replace(VISIT, identity=f"visit {n}") for n in range(100)]
    assert len({event.uid.value for event in events(to_bytes(made(*many).book))}) == 100


# ---- London's clock


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2026-03-29T00:59:59+00:00", b"DTSTART;TZID=Europe/London:20260329T005959"),
        ("2026-03-29T01:00:00+00:00", b"DTSTART;TZID=Europe/London:20260329T020000"),
        ("2026-10-24T23:30:00+00:00", b"DTSTART;TZID=Europe/London:20261025T003000"),
        ("2026-10-25T00:30:00+00:00", b"DTSTART;TZID=Europe/London:20261025T013000"),
        ("2026-10-25T01:00:00+00:00", b"DTSTART:20261025T010000Z"),
        ("2026-10-25T01:30:00+00:00", b"DTSTART:20261025T013000Z"),
        ("2026-10-25T02:00:00+00:00", b"DTSTART;TZID=Europe/London:20261025T020000"),
        ("2026-03-10T14:05:00.999999+00:00", b"DTSTART;TZID=Europe/London:20260310T140500"),
    ],
    ids=[
        "before spring",
        "spring",
        "before autumn",
        "the first half past one",
        "the hour again",
        "the second half past one",
        "after autumn",
        "a part of a second",
    ],
)
def test_an_instant_is_told_in_london_time_and_in_utc_where_that_could_mean_two(moment: str, written: bytes) -> None:
    at = datetime.fromisoformat(moment)
    raw = to_bytes(made(replace(CALL, when=at)).book)
    assert written + b"\r\n" in raw
    [event] = events(raw)
    assert event.dtstart.value.astimezone(UTC) == at.replace(microsecond=0)
    assert again(read(raw, OWNER), replace(CALL, when=at)).changed == 0


def test_the_clock_in_the_file_is_london_s_own_at_each_change_and_in_every_hour_around_it() -> None:
    raw = to_bytes(made().book).decode()
    zone = raw[raw.index("BEGIN:VTIMEZONE") : raw.index("END:VCALENDAR")]
    ours = tzical(StringIO(zone)).get("Europe/London")
    changes = [moment for half in zone.split("BEGIN:")[2:] for moment in onsets(half)]
    assert len(changes) == 2 * 100
    for change in changes:
        before, after = ((change + seconds * SECOND).astimezone(LONDON).utcoffset() for seconds in (-1, 0))
        assert before != after, change
        for hours in range(-30, 30, 1 if change.year % 9 == 0 else 29):
            local = (change + timedelta(hours=hours)).astimezone(LONDON)
            assert local.replace(tzinfo=ours).utcoffset() == local.utcoffset(), local


def onsets(half: str) -> list[datetime]:
    """Return the instants at which one half of a clock begins, by its own rule, from 2000 to 2099."""
    of = dict(line.split(":", 1) for line in half.split("\r\n") if ":" in line)
    begins = datetime.strptime(of["DTSTART"], "%Y%m%dT%H%M%S")  # noqa: DTZ007 - a local time
    ahead = timedelta(hours=int(of["TZOFFSETFROM"][:3]))
    found = rrulestr(of["RRULE"], dtstart=begins).between(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001
    return [(moment - ahead).replace(tzinfo=UTC) for moment in found]


# ---- from one time to the next


def test_what_is_as_it_was_stays_as_it_was_written_whenever_it_is_asked() -> None:
    first = made(VISIT, CALL)
    second = again(first.book, VISIT, CALL, now=NOW + 100 * DAY)
    assert (first.changed, second.changed, second.cancelled) == (2, 0, 0)
    assert to_bytes(second.book) == to_bytes(first.book)


@pytest.mark.parametrize(
    "change",
    [
        {"when": date(2026, 3, 17)},
        {"when": datetime(2026, 3, 16, tzinfo=UTC)},
        {"summary": "Early Help: advised by today"},
        {"lines": VISIT.lines[:2]},
        {"link": None},
    ],
    ids=["day", "from a day to an instant", "summary", "lines", "link"],
)
def test_whatever_is_shown_raises_the_sequence_when_it_changes_and_keeps_the_identity(change: dict[str, Any]) -> None:
    first = made(VISIT, CALL)
    second = again(first.book, replace(VISIT, **change), CALL)
    assert (second.changed, second.cancelled) == (1, 0)
    before, after = ({e.uid.value: e for e in events(to_bytes(one.book))} for one in (first, second))
    assert before.keys() == after.keys()
    moved = {uid: (e.sequence.value, e.dtstamp.value) for uid, e in after.items()}
    assert sorted(moved.values()) == [("0", NOW), ("1", NOW + DAY)]
    third = again(second.book, VISIT, CALL)
    assert sorted(e.sequence.value for e in events(to_bytes(third.book))) == ["0", "2"]


def test_what_is_no_more_is_cancelled_once_and_says_nothing_of_what_it_was() -> None:
    gone = again(made(VISIT).book)
    assert (gone.changed, gone.cancelled, gone.book.live) == (0, 1, ())
    [event] = events(to_bytes(gone.book))
    assert (event.status.value, event.sequence.value, event.summary.value) == ("CANCELLED", "1", GONE)
    assert (event.dtstart.value, event.dtstamp.value) == (VISIT.when, NOW + DAY)
    assert not {"description", "url"} & set(names(event))
    assert b"C1" not in to_bytes(gone.book)
    later = again(gone.book, now=NOW + 2 * DAY)
    assert (later.cancelled, to_bytes(later.book)) == (0, to_bytes(gone.book))


def test_a_cancelled_entry_is_dropped_after_thirty_days_and_not_a_second_before() -> None:
    gone = again(made(VISIT).book).book
    end = NOW + DAY + KEPT_CANCELLED
    assert len(again(gone, now=end - timedelta(seconds=1)).book.entries) == 1
    assert again(gone, now=end).book.entries == ()


@pytest.mark.parametrize(
    "after", [timedelta(days=2), timedelta(days=60)], ids=["while it stands", "when it was dropped"]
)
def test_what_comes_back_rises_above_what_was_cancelled(after: timedelta) -> None:
    gone = again(made(VISIT).book).book
    kept = again(gone, now=NOW + after).book
    back = again(kept, VISIT, now=NOW + after + DAY)
    [event] = events(to_bytes(back.book))
    assert (back.changed, event.status.value, event.sequence.value) == (1, "CONFIRMED", "2")
    assert event.description.value == "\n".join(VISIT.lines)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=4), min_size=1, max_size=8), st.data()
)
def test_no_sequence_ever_falls_whatever_comes_and_goes(runs: list[list[tuple[int, int]]], data: st.DataObject) -> None:
    book, now, seen = Book(OWNER), NOW, dict[str, tuple[int, str]]()
    for run in runs:
        now += timedelta(days=data.draw(st.sampled_from([1, 29, 31])))
        wanted = [replace(VISIT, identity=str(n), when=VISIT.when + day * DAY) for n, day in dict(run).items()]
        raw = to_bytes(made(*wanted, before=book, now=now).book)
        book = read(raw, OWNER)
        for one in book.entries:
            shown = f"{one.when} {one.cancelled}"
            before = seen.get(one.uid, (-1, ""))
            assert one.sequence > before[0] or (one.sequence, shown) == before
            seen[one.uid] = (one.sequence, shown)
        assert {one.uid for one in book.live} == {one.uid for one in made(*wanted).book.live}


# ---- injection


@pytest.mark.parametrize("field", ["summary", "lines", "link", "identity", "domain"])
def test_no_word_in_any_field_makes_an_entry_a_property_or_a_line_too_long(field: str) -> None:
    assert len(HARD) > 150
    for word in HARD:
        value: Any = (word, "Case C1", word) if field == "lines" else word
        domain = word if field == "domain" else DOMAIN
        hostile = VISIT if field == "domain" else replace(VISIT, **{field: value})
        book = revise(Book(OWNER), [hostile, CALL], domain=domain, now=NOW).book
        raw = to_bytes(book)
        found = events(raw)
        assert len(found) == 2, word
        [visit] = [event for event in found if event.dtstart.value == VISIT.when]
        assert (visit.summary.value if hasattr(visit, "summary") else "") == tidy(hostile.summary)
        assert visit.description.value == "\n".join(map(tidy, hostile.lines))
        # What was written is known again, to the byte.
        same = revise(read(raw, OWNER), [hostile, CALL], domain=domain, now=NOW + DAY)
        assert (same.changed, same.cancelled, to_bytes(same.book)) == (0, 0, raw), word


def test_a_link_that_is_no_plain_address_is_left_out() -> None:
    for link in (
        "javascript:alert(1)",
        "https://x.example/\r\nATTACH:y",
        "https://x.example/é",
        "https://" + "x" * 400,
    ):
        [event] = events(to_bytes(made(replace(VISIT, link=link)).book))
        assert not hasattr(event, "url")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=200), max_size=4))
def test_any_text_at_all_comes_back_as_it_was_tidied(lines: Sequence[str]) -> None:
    raw = to_bytes(made(replace(VISIT, lines=tuple(lines))).book)
    [event] = events(raw)
    text = "\n".join(map(tidy, lines))
    assert (event.description.value if hasattr(event, "description") else "") == text


# ---- what is not ours


def broken() -> Iterator[Any]:
    ours = to_bytes(made(VISIT).book)
    for id_, raw in {
        "empty": b"",
        "words": b"my notes\r\n",
        "not text": b"\xff\xfe\x00",
        "cut off": ours[: len(ours) // 2],
        "twice": ours + ours,
        "somebody else's": to_bytes(Book(owner_mark("testshire", "w2"))),
        "another authority's": to_bytes(Book(owner_mark("othershire", "w1"))),
        "another program's": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n",
        "an event": b"BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n",
        "no sequence": ours.replace(b"SEQUENCE:0\r\n", b""),
        "a word for a number": ours.replace(b"SEQUENCE:0", b"SEQUENCE:x"),
        "below nought": ours.replace(b"SEQUENCE:0", b"SEQUENCE:-1"),
        "too high": ours.replace(b"SEQUENCE:0", b"SEQUENCE:2147483647"),
        "no highest": ours.replace(b"X-EHS-HIGHEST:-1\r\n", b""),
        "no hash": ours.replace(b"X-EHS-HASH", b"X-EHS-HUSH"),
        "no uid": ours.replace(b"UID:", b"X-UID:"),
        "no day": ours.replace(b"DTSTART;VALUE=DATE:20260316", b"DTSTART;VALUE=DATE:20261316"),
        "two days": ours.replace(b"DTSTART;VALUE=DATE:20260316", b"DTSTART;VALUE=DATE:20260316\r\nDTSTART:20260316"),
        "no status": ours.replace(b"STATUS:CONFIRMED", b"STATUS:TENTATIVE"),
        "a floating stamp": ours.replace(b"DTSTAMP:20260309T100000Z", b"DTSTAMP:20260309T100000"),
        "a day for a stamp": ours.replace(b"DTSTAMP:20260309T100000Z", b"DTSTAMP;VALUE=DATE:20260309"),
    }.items():
        assert raw != ours, id_
        yield pytest.param(raw, id=id_)


@pytest.mark.parametrize("raw", list(broken()))
def test_what_is_foreign_or_broken_is_not_read(raw: bytes) -> None:
    with pytest.raises(NotOurs):
        read(raw, OWNER)


def diaries(*people: str, left: tuple[str, ...] = ()) -> list[Diary]:
    return [*(Diary(person, (VISIT,)) for person in people), *(Diary(person, left=True) for person in left)]


def turn(folder: Path, *wanted: Diary, now: datetime = NOW) -> list[tuple[str, str, int, int, int]]:
    found = keep(folder, wanted, authority="testshire", domain=DOMAIN, now=now)
    return [(one.person, one.state, one.entries, one.changed, one.cancelled) for one in found]


@pytest.mark.parametrize("raw", list(broken()))
def test_a_file_in_the_way_is_named_and_nothing_is_written(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "w1.ics").write_bytes(raw)
    with pytest.raises(InputRefused, match=r"w1\.ics: it is not|w1\.ics: an entry in it is not") as refused:
        turn(tmp_path, *diaries("v1", "w1", "x1"))
    assert "C1" not in str(refused.value)
    assert os.listdir(tmp_path) == ["w1.ics"]
    assert (tmp_path / "w1.ics").read_bytes() == raw


def test_every_file_in_the_way_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    (tmp_path / "v1.ics").symlink_to(tmp_path / "precious.txt")
    (tmp_path / "w1.ics").mkdir()
    (tmp_path / "x1.ics").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputRefused) as refused:
        turn(tmp_path, *diaries("v1", "w1", "x1"))
    assert [Path(line.partition(":")[0]).name for line in refused.value.faults] == ["v1.ics", "w1.ics", "x1.ics"]
    assert (tmp_path / "precious.txt").read_text() == "keep me"


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "cals").write_text("in the way")
    with pytest.raises(InputRefused, match="is not a folder"):
        turn(tmp_path / "cals", *diaries("w1"))


# ---- the folder


def test_each_person_has_a_private_file_and_one_that_did_not_change_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "cals"
    assert turn(folder, *diaries("w1", "w2")) == [("w1", "written", 1, 1, 0), ("w2", "written", 1, 1, 0)]
    assert sorted(os.listdir(folder)) == ["w1.ics", "w2.ics"]
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in os.listdir(folder)} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = (folder / "w1.ics").stat().st_ino
    assert [row[1] for row in turn(folder, *diaries("w1", "w2"), now=NOW + DAY)] == ["unchanged", "unchanged"]
    assert (folder / "w1.ics").stat().st_ino == before


def test_who_has_left_finds_all_cancelled_and_their_file_goes_with_the_last_of_it(tmp_path: Path) -> None:
    turn(tmp_path, *diaries("w1", "w2"))
    gone = diaries("w2", left=("w1", "w0"))
    assert turn(tmp_path, *gone, now=NOW + DAY) == [("w2", "unchanged", 1, 0, 0), ("w1", "written", 0, 0, 1)]
    assert turn(tmp_path, *gone, now=NOW + 2 * DAY)[1] == ("w1", "unchanged", 0, 0, 0)
    assert turn(tmp_path, *gone, now=NOW + DAY + KEPT_CANCELLED)[1] == ("w1", "removed", 0, 0, 0)
    assert os.listdir(tmp_path) == ["w2.ics"]
    assert turn(tmp_path, *gone, now=NOW + 40 * DAY) == [("w2", "unchanged", 1, 0, 0)]


def test_a_disk_that_refuses_leaves_what_was_there_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turn(tmp_path, *diaries("w1"))
    before = (tmp_path / "w1.ics").read_bytes()

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(InputRefused, match="No space left on device; 0 of 1 calendars are up to date, run it again"):
        turn(tmp_path, Diary("w1", (CALL,)), now=NOW + DAY)
    assert os.listdir(tmp_path) == ["w1.ics"]
    assert (tmp_path / "w1.ics").read_bytes() == before


def test_a_file_too_large_to_be_ours_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ics_files, "MOST_BYTES", 10)
    (tmp_path / "w1.ics").write_bytes(b"x" * 11)
    with pytest.raises(InputRefused, match="too large"):
        turn(tmp_path, *diaries("w1"))


@pytest.mark.parametrize("word", ["W1", "a-b_c", "0"])
def test_a_plain_id_is_its_own_file_name(word: str) -> None:
    assert file_name(word) == f"{word}.ics"


def test_no_id_leaves_the_folder_or_takes_another_s_file() -> None:
    ids = [
        *dict.fromkeys(
            [*HARD, "../up", "a/b", ".", "..", "", ".hidden", "-rf", "a.b", "w1.ics", "x" * 65, "W 1", "W-1"]
        )
    ]
    found = {file_name(id_) for id_ in ids}
    assert len(found) == len(ids)
    for name in found:
        assert name.endswith(".ics")
        assert name.isascii()
        assert Path(name).name == name
        assert name[0].isalnum()
        assert len(name) < 80
