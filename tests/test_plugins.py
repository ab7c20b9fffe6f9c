"""Plugins as installed distributions: each loaded by itself, every fault of one named, and no harm to another."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from ehscheduler import channels, hookspecs, plugins
from ehscheduler.cli.whose import all_authorities
from ehscheduler.config import Config
from ehscheduler.errors import PolicyRefused
from ehscheduler.plugins import installed, load
from ehscheduler.store import Store
from ehscheduler.store.alarms import alarms
from tests.cli.conftest import Cli, at, cli
from tests.daemon.house import HEAD, VISIT, Mail

__all__ = ["at", "cli"]

HOOKS = """\
from datetime import date
from pathlib import Path

from ehscheduler import hookimpl

HERE = Path(__file__).parent


@hookimpl
def ehscheduler_policies():
    return [HERE / "policy.toml"]
"""
LADDER = """
[ladder.up]
title = "Up"
clause = "2"
steps = [{ who = ["manager"], due = "1 day after dispute_raised", final = true }]
"""
EXAMPLES = """
[[example]]
rule = "visit"
events = ["2026-03-02 allocation", "2026-03-16 home_visit"]
at = "2026-03-17"
expect = [{ key = "visit", due_on = 2026-03-16, state = "met" }]

[[example]]
rule = "visit"
events = ["2026-03-02 allocation", "2026-03-17 home_visit"]
at = "2026-03-17"
expect = [{ key = "visit", due_on = 2026-03-16, state = "met_late" }]
"""


def policy(name: str = "badshire", rules: str = VISIT, head: str = HEAD) -> str:
    return head.replace("testshire", name) + rules


Install = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions, on the path for as long as the test runs."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.startswith("ehs_made_")]:
        del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    """Install a distribution with an entry point: its Python, and the files of its package."""

    def put(name: str, python: str = HOOKS, dist: str = "", **files: str) -> Path:
        package, known = site / f"ehs_made_{name}", site / f"{dist or name}-1.0.dist-info"
        for folder in (package, known):
            folder.mkdir(exist_ok=True)
        (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist or name}\nVersion: 1.0\n")
        (known / "entry_points.txt").write_text(f"[ehscheduler]\n{name} = ehs_made_{name}\n")
        (package / "__init__.py").write_text(python)
        for file, text in files.items():
            (package / f"{file}.toml").write_text(text)
        sys.modules.pop(f"ehs_made_{name}", None)
        return package

    return put


def refused(name: str = "badshire") -> list[str]:
    with pytest.raises(PolicyRefused) as refusal:
        load(name)
    return refusal.value.faults


# ---- sound ones


def test_an_authority_is_found_by_its_entry_point(install: Install) -> None:
    package = install("goodshire", policy=policy("goodshire"))
    assert "goodshire" in installed()
    county = load("goodshire")
    assert county.policy.authority == "goodshire"
    assert county.policy is county.policies[-1]
    assert county.folder == package


def test_an_unknown_name_is_refused_with_the_nearest_and_the_list(install: Install) -> None:
    install("goodshire", policy=policy("goodshire"))
    [said] = refused("godshire")
    assert said.startswith("no authority 'godshire' is installed; did you mean 'goodshire'? (installed: ")
    assert "goodshire" in said.partition("(")[2]


def test_where_nothing_is_installed_it_says_how_to_install_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    assert "(installed: none; install one with: pip install ./plugins/NAME)" in refused()[0]


def hook(name: str, answer: str, before: str = "") -> str:
    return f"\n\n@hookimpl\ndef {name}():\n{before}    return {answer}\n"


def test_closure_days_are_no_working_days(install: Install) -> None:
    closed = hook("ehscheduler_closure_days", '{date(2026, 3, 4): "Staff day"}')
    install("goodshire", HOOKS + closed, policy=policy("goodshire"))
    calendar = load("goodshire").calendar
    assert not calendar.is_working(date(2026, 3, 4))
    assert calendar.why_not(date(2026, 3, 4)) == "Staff day"
    assert calendar.is_working(date(2026, 3, 5))


MEETING = '[meeting.panel]\ntitle = "Panel"\nclause = "3"\non = "every Tuesday"\nbank_holiday = "skip"\n'


def test_sittings_that_the_plugin_moves_are_in_the_calendar(install: Install) -> None:
    moved = hook("ehscheduler_sittings", '{"panel": {date(2026, 3, 3): date(2026, 3, 5), date(2026, 3, 10): None}}')
    install("goodshire", HOOKS + moved, policy=policy("goodshire", VISIT + MEETING))
    assert load("goodshire").calendar.sittings["panel"] == {
        date(2026, 3, 3): date(2026, 3, 5),
        date(2026, 3, 10): None,
    }


def test_a_condition_of_the_plugin_is_asked_as_a_fact_is(install: Install) -> None:
    asked = hook("ehscheduler_conditions", '{"twice_moved": lambda facts, happened, moment: True}')
    rules = VISIT + "where = { twice_moved = true }\n"
    install("goodshire", HOOKS + asked, policy=policy("goodshire", rules))
    assert list(load("goodshire").policy.hooks) == ["twice_moved"]
    install("badshire", policy=policy("badshire", rules))
    assert "no fact 'twice_moved' is declared" in refused()[0]


TEMPLATES = {
    "no mapping": ("7", "", "ehscheduler_templates must return {name: text or Path}"),
    "a number for a text": ('{"digest.txt": 7}', "", "ehscheduler_templates must return {name: text or Path}"),
    "a hook that raises": ("{}", "    raise RuntimeError\n", "and failed: RuntimeError in "),
    "too long": ('{"digest.txt": "x" * 32769}', "", "'digest.txt': is longer than 32768 bytes; shorten it"),
    "no such file": ('{"digest.txt": HERE / "digest.txt"}', "", "digest.txt): cannot be read: No such file"),
    "an endless file": ('{"digest.txt": Path("/dev/zero")}', "", "(/dev/zero): is longer than 32768 bytes"),
    "no text": (
        '{"digest.txt": HERE / "__init__.py", "digest.html": "\\udc80"}',
        "",
        "'digest.html': is not UTF-8 text",
    ),
}


@pytest.mark.parametrize("fault", TEMPLATES)
def test_templates_that_cannot_be_had_refuse_nothing_and_are_named(install: Install, fault: str) -> None:
    answer, before, said = TEMPLATES[fault]
    install("goodshire", HOOKS + hook("ehscheduler_templates", answer, before), policy=policy("goodshire"))
    county = load("goodshire")
    assert county.templates == ()
    assert len(county.template_faults) == 1
    assert said in county.template_faults[0]


def test_templates_are_texts_or_files_and_stay_with_every_edition(install: Install) -> None:
    own = hook("ehscheduler_templates", '{"digest.txt": HERE / "digest.toml", "digest.subject": "{{ subject }}"}')
    install("goodshire", HOOKS + own, policy=policy("goodshire"), digest="{{ summary }}")
    county = load("goodshire")
    assert dict(county.templates) == {"digest.txt": "{{ summary }}", "digest.subject": "{{ subject }}"}
    assert county.as_of(date(2026, 3, 2)).templates == county.templates == county.with_policies(()).templates


def test_policy_check_tries_each_template_on_a_message_of_its_kind(install: Install, cli: Cli) -> None:
    own = hook("ehscheduler_templates", '{"digest.txt": "{{ message.nope }}", "dispute.subject": "{{ subject }}"}')
    install("goodshire", HOOKS + own, policy=policy("goodshire"), examples=EXAMPLES)
    checked = cli("policy", "check", "goodshire")
    assert checked.code == 1
    assert "goodshire: template digest.txt line 1: UndefinedError: 'nope' is not there" in checked.err
    assert "dispute" not in checked.err


EDITIONS = HOOKS.replace('[HERE / "policy.toml"]', '[HERE / "a.toml", HERE / "b.toml"]')


def edition(year: str, name: str = "badshire", **other: str) -> str:
    text = policy(name).replace("2015-01-01", f"{year}-01-01").replace('edition = "1"', f'edition = "{year}"')
    for old, new in other.items():
        text = text.replace(old, new)
    return text


def test_editions_in_order_are_read_and_the_last_is_the_newest(install: Install) -> None:
    install("goodshire", EDITIONS, a=edition("2015", "goodshire"), b=edition("2020", "goodshire"))
    county = load("goodshire")
    assert [one.edition for one in county.policies] == ["2015", "2020"]
    assert county.policy.edition == "2020"


def test_loading_leaves_no_thread_behind(install: Install) -> None:
    install("goodshire", policy=policy("goodshire"))
    before = threading.active_count()
    load("goodshire")
    assert threading.active_count() == before


def test_every_hook_has_an_example_and_is_asked() -> None:
    asked = Path(plugins.__file__).read_text() + Path(channels.__file__).read_text()
    hooks = [name for name in vars(hookspecs) if name.startswith("ehscheduler_")]
    assert len(hooks) > 3
    for name in hooks:
        assert f"Example::\n\n        @hookimpl\n        def {name}():\n" in (getattr(hookspecs, name).__doc__ or "")
        assert f'"{name}"' in asked or f"hook.{name}()" in asked


# ---- faulty ones


@dataclass(frozen=True)
class Bad:
    """A distribution that cannot be used, and every sentence that its refusal has to hold."""

    files: Mapping[str, str]
    said: tuple[str, ...]
    python: str = HOOKS


def rules(text: str, *said: str) -> Bad:
    return Bad({"policy": policy(rules=text)}, said)


def python(text: str, *said: str) -> Bad:
    return Bad({"policy": policy()}, said, text)


POLICIES = "ehscheduler_policies must return a list of Path objects"
RHYTHM = '[rhythm.visit]\ntitle = "A"\nclause = "1"\nevery = "2 weeks"\nfrom = "allocation"\nmet_by = "home_visit"\nowner = "worker"\n'  # noqa: E501 - a table on one line
FAULTY = {
    "no policy file": Bad({}, ("policy.toml: there is no such policy file; check the path that the plugin gives",)),
    "a policy file that is not text": Bad({"policy": "\0\udcff"}, ("policy.toml",)),
    "an unknown event": rules(
        VISIT.replace("home_visit", "home_vist"),
        "policy.toml [standard.visit]: no event 'home_vist' is declared; did you mean 'home_visit'?",
    ),
    "an unknown role": rules(
        VISIT.replace('owner = "worker"', 'owner = "workr"'),
        "policy.toml [standard.visit]: no role 'workr' is declared in [roles]; did you mean 'worker'?",
    ),
    "an unknown fact": rules(
        VISIT + "where = { levl = 3 }\n", "policy.toml [standard.visit]: no fact 'levl'", "did you mean 'level'?"
    ),
    "two rules of one id": rules(
        VISIT + VISIT, "policy.toml: is not TOML: Cannot declare", "two tables have one id; give each its own"
    ),
    "a standard and a rhythm of one id": rules(VISIT + RHYTHM, "policy.toml [rhythm.visit]: has the id of another"),
    "a ladder that reaches nobody": rules(
        VISIT + LADDER.replace('[{ who = ["manager"], due = "1 day after dispute_raised", final = true }]', "[]"),
        "policy.toml [ladder.up]",
        "reaches nobody",
    ),
    "a ladder in a circle": Bad(
        {
            "policy": policy(rules=VISIT + LADDER).replace(
                'manager = "Manager"', 'manager = ["boss"]\nboss = ["manager"]'
            )
        },
        ("policy.toml [roles]: manager goes in a circle: it stands for itself, so it reaches nobody",),
    ),
    "rules in a ring": rules(
        VISIT.replace("after allocation", "after late overdue")
        + VISIT.replace("standard.visit", "standard.late").replace("after allocation", "after visit overdue"),
        "visit overdue]: is defined by way of itself",
        "late overdue]: is defined by way of itself",
    ),
    "a phrase without a unit": rules(
        VISIT.replace("10 working days", "10"),
        "policy.toml [standard.visit]: due: '10' is a length without a unit: write for example '10 working days'",
    ),
    "a date that there is not": Bad(
        {"policy": policy().replace("2015-01-01", "2015-02-30")},
        ("policy.toml: is not TOML: Invalid date", "line 7", "write a date that exists"),
    ),
    "an edition before the one before": Bad(
        {"a": edition("2020"), "b": edition("2015")},
        ("b.toml [policy] in_force: 2015-01-01 is before 2020-01-01 of a.toml", "list the oldest edition first"),
        EDITIONS,
    ),
    "two editions of one day": Bad(
        {"a": edition("2015"), "b": edition("2016").replace("2016-01-01", "2015-01-01")},
        ("b.toml [policy] in_force: 2015-01-01 is the day of a.toml too; give each edition a day of its own",),
        EDITIONS,
    ),
    "two editions of one name": Bad(
        {"a": edition("2015"), "b": edition("2016").replace('"2016"', '"2015"')},
        ("b.toml [policy] edition: '2015' is the name of a.toml too; give each edition its own",),
        EDITIONS,
    ),
    "an edition that ends before it begins": Bad(
        {"policy": policy(head=HEAD.replace("in_force", "review_by = 2014-01-01\nin_force"))},
        ("policy.toml [policy] review_by: 2014-01-01 does not lie after in_force, 2015-01-01",),
    ),
    "another authority's policy": Bad(
        {"policy": policy("othershire")},
        ("policy.toml [policy] authority: is for the authority 'othershire', not for 'badshire'",),
    ),
    "an import that is not there": python("import nothing_of_this_name", "could not be loaded: ModuleNotFoundError"),
    "an import that raises": python("raise ValueError('so it\\nis')", "could not be loaded: ValueError", "so it is"),
    "no Python": python("def", "could not be loaded: SyntaxError"),
    "an import that ends the program": python("raise SystemExit(0)", "could not be loaded: SystemExit"),
    "an import that interrupts": python("raise KeyboardInterrupt", "could not be loaded: KeyboardInterrupt"),
    "no hook": python("", f"{POLICIES}; there is no such hook, or its list is empty"),
    "a hook that there is not": python(
        HOOKS.replace("ehscheduler_policies", "ehscheduler_polices"), "unknown hook 'ehscheduler_polices'", POLICIES
    ),
    "a hook with an argument that there is not": python(
        HOOKS.replace("_policies()", "_policies(council)"), "'council'", "the hooks are those of ehscheduler.hookspecs"
    ),
    "a hook that raises": python(
        HOOKS.replace("return ", "1 / 0\n    return "), f"{POLICIES}, and failed: ZeroDivisionError"
    ),
    "a hook that ends the program": python(
        HOOKS.replace("return ", "raise SystemExit(0)\n    return "), f"{POLICIES}, and failed: SystemExit"
    ),
    "a generator that raises": python(
        HOOKS.replace('return [HERE / "policy.toml"]', 'yield HERE / "policy.toml"\n    raise LookupError("gone")'),
        f"{POLICIES}, and failed: LookupError",
        "gone",
    ),
    "a generator without an end": python(
        HOOKS.replace('return [HERE / "policy.toml"]', 'while True:\n        yield HERE / "policy.toml"'), POLICIES
    ),
    **{
        f"policies that are {what}": python(HOOKS.replace('[HERE / "policy.toml"]', what), POLICIES)
        for what in ("[1, 2]", "42", "'policy.toml'", "HERE", "None", "[]", "[None]", "['policy.toml']")
    },
    **{
        f"closure days that are {what}": python(
            HOOKS + hook("ehscheduler_closure_days", what), "ehscheduler_closure_days must return {date: name}"
        )
        for what in ("['2026-03-04']", "{'2026-03-04': 'x'}", "{date(2026, 3, 4): 7}", "7", "{date.min.ctime: 'x'}")
    },
    "sittings of no meeting": python(
        HOOKS + hook("ehscheduler_sittings", '{"panle": {date(2026, 3, 3): None}}'),
        "ehscheduler_sittings: no meeting 'panle' is in policy.toml",
    ),
    "sittings that are no dates": python(
        HOOKS + hook("ehscheduler_sittings", '{"panel": {"Tuesday": None}}'),
        "ehscheduler_sittings must return {meeting:",
    ),
    "conditions that cannot be asked": python(
        HOOKS + hook("ehscheduler_conditions", '{"twice": True}'), "ehscheduler_conditions must return {name: function}"
    ),
    "many faults at once": Bad(
        {"a": edition("2020", met_by="metby", owner="onwer"), "b": edition("2015").replace("home_visit", "home_vist")},
        (
            "a.toml [standard.visit]: no key 'metby'; did you mean 'met_by'?",
            "a.toml [standard.visit]: no key 'onwer'; did you mean 'owner'?",
            "b.toml [standard.visit]: no event 'home_vist'",
            "ehscheduler_closure_days must return {date: name}, and failed: RuntimeError",
            "ehscheduler_sittings must return {meeting:",
        ),
        EDITIONS
        + hook("ehscheduler_closure_days", "{}", "    raise RuntimeError\n")
        + hook("ehscheduler_sittings", "7"),
    ),
}


@pytest.fixture
def served(cli: Cli, tmp_path: Path, install: Install, at: Callable[[str], None]) -> Cli:
    """A council with a sound plugin and one overdue case; it is 1 April."""
    at("2026-04-01 10:00")
    package = install("goodshire", policy=policy("goodshire"))
    (package / "examples.toml").write_text(EXAMPLES)
    (tmp_path / "config.toml").write_text(
        '[operator]\nemail = "it@council.example"\n[live.goodshire]\nfrom = 2026-01-01\n'
    )
    cli("init")
    (tmp_path / "people.csv").write_text(
        "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
        "w1,Wren Worker,w1@council.example,worker,North,m1,,\nm1,Mo Manager,m1@council.example,manager,North,,,\n"
    )
    (tmp_path / "cases.csv").write_text("case_ref,team,lead\nC1,North,w1\n")
    (tmp_path / "events.csv").write_text(
        "case_ref,event,occurred_at,recorded_at,ref,detail\nC1,allocation,2026-03-20,,,\n"
    )
    files = ("--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv")
    said = cli("import", "--authority", "goodshire", *files)
    assert said.code == 0, said.all
    return cli


def put(install: Install, bad: Bad) -> None:
    package = install("badshire", bad.python)
    for file, text in bad.files.items():
        (package / f"{file}.toml").write_bytes(text.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("bad", [pytest.param(bad, id=name) for name, bad in FAULTY.items()])
def test_a_faulty_plugin_is_refused_by_name_with_every_fault_and_the_others_go_on(
    served: Cli, install: Install, bad: Bad
) -> None:
    put(install, bad)
    checked = served("policy", "check", "badshire")
    assert (checked.code, checked.out) == (1, "")
    faults = checked.err.splitlines()
    assert all(line.startswith("plugin 'badshire': ") for line in faults), faults
    assert len(faults) == len(set(faults))
    for said in bad.said:
        assert said in checked.err
    status = served("status", "--format", "json")
    assert status.code == 1
    stands = {row["authority"]: row for row in json.loads(status.out)["authorities"]}
    assert stands["badshire"]["faults"] == faults
    assert (stands["goodshire"]["faults"], stands["goodshire"]["open"]) == ([], 1)
    doctor = served("doctor", "--format", "json")
    assert doctor.code == 1
    findings = [f for f in json.loads(doctor.out) if f["area"].startswith("plugin ")]
    assert [f["said"] for f in findings if not f["ok"]] == faults
    assert "plugin goodshire" in [f["area"] for f in findings if f["ok"]]
    due = served("due")
    assert due.code == 0
    assert "C1" in due.out


def test_every_check_and_list_names_the_faulty_one_and_shows_the_others(served: Cli, install: Install) -> None:
    put(install, FAULTY["an unknown event"])
    listed = served("policy", "list")
    assert listed.code == 1
    assert "goodshire" in listed.out
    assert "badshire" not in listed.out
    assert "plugin 'badshire': policy.toml [standard.visit]: no event 'home_vist'" in listed.err
    everything = served("policy", "check")
    assert everything.code == 1
    assert "goodshire: policy.toml: 1 rule" in everything.out
    assert "plugin 'badshire'" in everything.err
    assert "goodshire" not in everything.err
    assert served("policy", "check", "goodshire").code == 0


# ---- one that hangs


HANGING = {
    "an import that waits": "import threading\nthreading.Event().wait(30)\n",
    "an import that runs on": "while True:\n    pass\n",
    "a hook that waits": HOOKS.replace("return ", "import time; time.sleep(30)\n    return "),
    "a generator that runs on": HOOKS.replace("return [", "while True:\n        pass\n    yield ["),
}


@pytest.mark.parametrize("n", range(len(HANGING)), ids=list(HANGING))
def test_a_plugin_that_hangs_is_given_up_and_the_others_go_on(
    served: Cli, install: Install, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    # Each has its own name: what waits keeps its module, and whoever imports that again waits behind it.
    install(f"slowshire{n}", list(HANGING.values())[n], policy=policy(f"slowshire{n}"))
    monkeypatch.setattr(plugins, "DEADLINE", 1.0)
    started = time.monotonic()
    status = served("status")
    assert time.monotonic() - started < 10
    assert status.code == 1
    assert f"plugin 'slowshire{n}': did not load within 1 seconds" in status.out
    assert served("due").code == 0


@pytest.mark.parametrize("name", ["an import that runs on", "a generator that runs on"])
def test_a_plugin_that_runs_on_is_stopped_and_takes_no_time_from_the_others(
    install: Install, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    install("runshire", HANGING[name], policy=policy("runshire"))
    monkeypatch.setattr(plugins, "DEADLINE", 0.3)
    assert "did not load within 0.3 seconds" in refused("runshire")[0]
    until = time.monotonic() + 10
    while any(thread.name == "plugin 'runshire'" for thread in threading.enumerate()):
        assert time.monotonic() < until


def test_the_same_name_twice_is_refused(install: Install) -> None:
    install("badshire", policy=policy())
    install("badshire", dist="another_badshire", policy=policy())
    assert refused() == ["plugin 'badshire' is installed 2 times; uninstall all but one of them"]


# ---- the daemon


def operator_mails(tmp_path: Path) -> list[Mail]:
    found = [Mail.of(path.read_bytes()) for path in (tmp_path / "outbox").glob("*.eml")]
    return [mail for mail in found if mail.to == "it@council.example"]


def test_the_daemon_goes_on_with_the_others_and_tells_the_operator_once(
    served: Cli, install: Install, tmp_path: Path, at: Callable[[str], None]
) -> None:
    put(install, FAULTY["an unknown event"])
    for time_ in ("2026-04-02 08:30", "2026-04-03 08:30", "2026-04-09 08:30"):
        at(time_)
        turn = served("tick")
        assert turn.code == 1
        assert turn.out.startswith("1 case looked at") or turn.out.startswith("0 cases looked at")
        assert "plugin 'badshire': policy.toml [standard.visit]: no event 'home_vist'" in turn.err
    [mail] = operator_mails(tmp_path)
    assert "badshire" in mail.flat
    assert "nothing is decided for badshire until this is put right" in mail.flat
    told = [Mail.of(path.read_bytes()) for path in (tmp_path / "outbox").glob("*.eml")]
    assert "C1" in " ".join(m.text for m in told if m.to == "w1@council.example")
    put(install, Bad({"policy": policy()}, ()))
    turn = served("tick")
    assert (turn.code, turn.err) == (0, "")
    assert [alarm for alarm in open_alarms(tmp_path) if alarm == "badshire"] == []


def open_alarms(tmp_path: Path) -> list[str]:
    with Store.open(tmp_path / "ehscheduler.db") as store, store.read() as tx:
        return [alarm.subject for alarm in alarms(tx)]


def test_an_authority_whose_plugin_is_gone_is_an_alarm_and_not_silence(
    served: Cli, site: Path, tmp_path: Path, at: Callable[[str], None]
) -> None:
    at("2026-04-02 08:30")
    (site / "goodshire-1.0.dist-info").rename(site / "gone")
    (tmp_path / "config.toml").write_text('[operator]\nemail = "it@council.example"\n')
    turn = served("tick")
    assert turn.code == 1
    assert "no authority 'goodshire' is installed" in turn.err
    assert "goodshire" in open_alarms(tmp_path)
    assert served("due").code == 1
    status = served("status", "--format", "json")
    [row] = [row for row in json.loads(status.out)["authorities"] if row["authority"] == "goodshire"]
    assert (row["cases"], row["open"]) == (1, None)
    assert "is installed" in row["faults"][0]


def test_where_none_can_be_used_the_command_is_refused(
    install: Install, monkeypatch: pytest.MonkeyPatch, served: Cli, tmp_path: Path
) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    with pytest.raises(PolicyRefused, match="no authority can be used"):
        all_authorities(Config())
