"""The configuration file: its defaults, its tables by authority, and every fault with its place."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.config import Config, Database, Live, Mail, config_from, read_config
from ehscheduler.core.actions import OverdueStep
from ehscheduler.core.calendars import Span
from ehscheduler.errors import ConfigRefused
from ehscheduler.fitting import fitted, strangers
from ehscheduler.plugins import installed, load

AUTHORITIES = ("barnet", "manchester", "northamptonshire", "nottinghamshire")
SHIPPED = Path(__file__).parents[1] / "config.toml"

DAY = date(2026, 6, 10)


def refused(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigRefused) as refusal:
        config_from(raw, "config.toml")
    return refusal.value.faults


def settled(folder: Path) -> Config:
    """Return the defaults as a file in this folder gives them."""
    mail = Mail(folder=str(folder / "outbox"))
    return Config(database=Database(url=f"sqlite:///{folder / 'ehscheduler.db'}"), mail=mail)


def test_an_empty_file_is_every_default(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    config = read_config(path)
    assert config == settled(tmp_path)
    assert config.mail.channel == "file"
    assert config.live_for("anywhere") == Live()
    assert config.overdue_ladder("anywhere") == ()


def test_the_shipped_file_shows_the_defaults_and_tells_the_line_manager_on_the_next_working_day() -> None:
    config = read_config(SHIPPED)
    plain = settled(SHIPPED.parent)
    for table in ("database", "daemon", "mail", "operator", "link", "live", "readings", "duty"):
        assert getattr(config, table) == getattr(plain, table), table
    assert set(config.ladders) == set(AUTHORITIES)
    for name in AUTHORITIES:
        assert config.overdue_ladder(name) == (OverdueStep(("line_manager",), Span(1, "working day")),)


def test_the_shipped_file_is_one_that_every_authority_takes() -> None:
    shown = re.sub(r"(?m)^# (?=(\[[a-zA-Z.\"-]+\]|\"?[A-Za-z_ ]+\"? = ))", "", SHIPPED.read_text())
    config = config_from(tomllib.loads(shown), "config.toml")
    assert strangers(config, AUTHORITIES) == []
    for name in installed():
        fitted(load(name), config, DAY)


def test_every_setting_that_the_shipped_file_mentions_can_be_switched_on() -> None:
    text = re.sub(r"(?m)^# (?=(\[[a-zA-Z.\"-]+\]|\"?[A-Za-z_ ]+\"? = ))", "", SHIPPED.read_text())
    config = config_from(tomllib.loads(text), "config.toml")
    assert config.mail.host == "smtp.council.example"
    assert set(config.link) == set(config.live) == set(AUTHORITIES)
    assert all(template.endswith("{case_ref}") for template in config.link.values())
    assert config.live_for("nottinghamshire").since == date(2026, 12, 1)
    assert config.live_for("nottinghamshire").mode == "shadow"
    assert config.live_for("nottinghamshire").rules == ["initial-contact", "first-visit"]
    assert config.duty["nottinghamshire"] == {"North": "duty-north@council.example"}


def test_every_setting_there_is_stands_in_the_shipped_file() -> None:
    text = SHIPPED.read_text()
    for table in ("database", "daemon", "mail", "operator"):
        model = type(getattr(Config(), table))
        for name in model.model_fields:
            assert re.search(rf"(?m)^(# )?{name} = ", text), f"[{table}] {name}"


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("sqlite:///rows.db", "sqlite:///{}/rows.db"),
        ("sqlite:///../rows.db", "sqlite:///{}/../rows.db"),
        ("sqlite:////var/lib/rows.db", "sqlite:////var/lib/rows.db"),
        ("rows.db", "{}/rows.db"),
        ("/var/lib/rows.db", "/var/lib/rows.db"),
        ("postgresql://ehs@db/ehs", "postgresql://ehs@db/ehs"),
    ],
)
def test_a_relative_path_counts_from_the_files_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, read: str
) -> None:
    folder = tmp_path / "council"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'[database]\nurl = "{url}"\n[mail]\nfolder = "sent/today"\nca_file = "ca.pem"\n'
    )
    monkeypatch.chdir(tmp_path)
    for named in (Path("council/config.toml"), folder / "config.toml"):
        config = read_config(named)
        assert config.database.url == read.format(folder)
        assert config.mail.folder == str(folder / "sent/today")
        assert config.mail.ca_file == str(folder / "ca.pem")


def test_the_file_names_the_authorities_that_it_has_a_table_for() -> None:
    raw = {"live": {"two": {}}, "link": {"one": "https://x.example/{case_ref}"}, "duty": {"two": {}}}
    assert config_from(raw, "config.toml").named() == ["one", "two"]
    assert Config().named() == []


def test_live_is_by_authority() -> None:
    config = config_from(
        {"live": {"one": {"from": date(2026, 4, 1), "mode": "shadow"}, "two": {"rules": ["visit"]}}}, "config.toml"
    )
    assert (config.live_for("one").since, config.live_for("one").mode) == (date(2026, 4, 1), "shadow")
    assert (config.live_for("two").since, config.live_for("two").rules) == (None, ["visit"])
    assert config.live_for("three").mode == "live"


def test_a_ladder_is_read_into_its_steps_in_order() -> None:
    steps = [{"who": ["line_manager"], "after": "1 working day"}, {"who": ["a", "b"], "after": "2 weeks"}]
    config = config_from({"ladders": {"one": {"overdue": steps}}}, "config.toml")
    assert config.overdue_ladder("one") == (
        OverdueStep(("line_manager",), Span(1, "working day")),
        OverdueStep(("a", "b"), Span(2, "week")),
    )


def test_the_password_comes_from_the_environment_and_is_nowhere_in_the_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_MAIL_PASSWORD", "s3cret")
    config = config_from({"mail": {"username": "me", "password_env": "MY_MAIL_PASSWORD"}}, "config.toml")
    assert config.mail.password == "s3cret"
    assert "s3cret" not in repr(config)
    assert "s3cret" not in config.model_dump_json()
    monkeypatch.delenv("MY_MAIL_PASSWORD")
    assert config.mail.password == ""


def test_a_password_in_the_file_is_refused() -> None:
    (fault,) = refused({"mail": {"password": "s3cret"}})
    assert fault.startswith("config.toml [mail] password: there is no such setting")
    assert "s3cret" not in fault


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"mial": {}}, "config.toml [mial]: there is no such setting; did you mean 'mail'?"),
        ({"mail": {"hots": "x"}}, "config.toml [mail] hots: there is no such setting; did you mean 'host'?"),
        ({"mail": {"port": 0}}, "config.toml [mail] port: Input should be greater than or equal to 1"),
        ({"mail": {"deadline_seconds": 1}}, "config.toml [mail] deadline_seconds: Input should be greater"),
        ({"mail": {"security": "ssl"}}, "config.toml [mail] security: Input should be 'starttls', 'tls' or 'none'"),
        ({"live": {"one": {"form": 1}}}, "config.toml [live.one] form: there is no such setting; did you mean 'from'?"),
        ({"live": {"one": {"rules": "visit"}}}, "config.toml [live.one] rules: Input should be a valid list"),
        ({"ladders": {"one": {"overdue": [{"who": [], "after": "1 day"}]}}}, "config.toml [ladders.one.overdue.0] who"),
        ({"ladders": {"one": {"overdue": [{"who": ["a"], "after": "1"}]}}}, "[ladders.one.overdue.0] after"),
        ({"link": {"one": "http://x.example/{case_ref}"}}, "config.toml [link] one: the template must be an https"),
        ({"duty": {"one": {"North": 5}}}, "config.toml [duty.one] North: Input should be a valid string"),
    ],
    ids=str,
)
def test_a_fault_names_its_table_and_its_key(raw: dict[str, Any], fault: str) -> None:
    (said,) = refused(raw)
    assert fault in said


def test_every_fault_is_named_at_once() -> None:
    assert len(refused({"mail": {"port": 0, "channel": "x", "nonsense": 1}, "daemon": {"batch": 0}})) == 4


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[mail", b"[mail]\nport = 1\nport = 2\n"], ids=repr)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigRefused, match=r"config\.toml: "):
        read_config(path)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="cannot be read as UTF-8 text"):
        read_config(tmp_path)


def test_a_sitting_is_moved_or_cancelled_by_the_council_and_for_one_hub_alone() -> None:
    moved = {
        "allocation-meeting": {"2026-12-31": date(2026, 12, 30)},
        "allocation-meeting/North": {"2026-12-31": "cancelled"},
    }
    made = fitted(load("manchester"), config_from({"sittings": {"manchester": moved}}, "config.toml"), DAY)
    assert made.calendar.sittings == {
        "allocation-meeting": {date(2026, 12, 31): date(2026, 12, 30)},
        "allocation-meeting/North": {date(2026, 12, 31): None},
    }


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({"allocation-meetings": {"2026-12-31": "cancelled"}}, "no meeting 'allocation-meetings'; did you mean"),
        ({"allocation-meeting": {"2026-12-30": "cancelled"}}, "Wednesday 2026-12-30 is no day on which it sits"),
    ],
)
def test_a_sitting_that_is_none_is_refused_by_its_place(moved: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigRefused) as refusal:
        fitted(load("manchester"), config_from({"sittings": {"manchester": moved}}, "config.toml"), DAY)
    [fault] = refusal.value.faults
    assert fault.startswith("[sittings.manchester]")
    assert said in fault


def test_a_sitting_is_moved_to_a_date_or_cancelled_and_nothing_else() -> None:
    assert refused({"sittings": {"manchester": {"allocation-meeting": {"2026-12-31": "later"}}}})
    assert refused({"sittings": {"manchester": {"allocation-meeting": {"new year": "cancelled"}}}})
