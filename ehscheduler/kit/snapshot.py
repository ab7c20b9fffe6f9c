"""Every date of a plugin's standard cases as one text, so that a change of policy can be read in the diff.

In the plugin's `tests/standard/`: cases.csv and events.csv as a source would send them, asked.toml with `at`, `from`
and `until`, and dates.txt, which is made from them.
"""

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any

from ehscheduler import pure
from ehscheduler.kit.contract import Answer, ask, loaded
from ehscheduler.kit.plugin import Plugin

NOTHING = "-"
DAY = len("2026-03-02")
MINUTE = len("2026-03-02T08:30")
SECOND = len("2026-03-02T08:30:00")


def snapshot_faults(plugin: Plugin) -> list[str]:
    """Say, line by line, where dates.txt is not what the policy gives now."""
    folder = standard_folder(plugin)
    if folder is None:
        return []
    path = folder / "dates.txt"
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    made = snapshot(plugin, folder)
    if made == written:
        return []
    differs = unified_diff(written.splitlines(), made.splitlines(), "as written", "as counted now", lineterm="", n=0)
    return [f"{plugin.name} tests/standard/dates.txt differs; if that is meant, {plugin.remedy}", *differs]


def renew_snapshot(plugin: Plugin) -> None:
    """Write dates.txt as the policy gives it now."""
    if folder := standard_folder(plugin):
        (folder / "dates.txt").write_text(snapshot(plugin, folder), encoding="utf-8")


def snapshot(plugin: Plugin, folder: Path) -> str:
    """Return every milestone and notice of the standard cases, one a line, by case."""
    asked = {name: str(value) for name, value in plugin.read(folder / "asked.toml").items()}
    files = (folder / "cases.csv", folder / "events.csv")
    with loaded(plugin):
        _, dates = ask(pure.write_timeline, plugin, *files, asked["at"])
        _, told = ask(pure.write_forecast, plugin, *files, asked["from"], asked["until"])
    return "\n".join([*_text(plugin, asked, dates, told), ""])


def standard_folder(plugin: Plugin) -> Path | None:
    """Return the folder of the standard cases; None where the plugin has none, or is installed without it."""
    folder = plugin.tests / "standard" if plugin.tests else None
    return folder if folder and folder.is_dir() else None


def _text(plugin: Plugin, asked: Mapping[str, str], dates: Answer, told: Answer) -> Iterator[str]:
    yield f"{plugin.name}: {plugin.policy.document}; edition: {plugin.policy.edition}"
    again = f"run: ehscheduler plugin test {plugin.name} --write"
    yield f"Every date of the standard cases, looked at on {asked['at']}. Made from their files; {again}"
    said = [*dates["problems"], *_not_standing(plugin, dates["warnings"])]
    for case in dict.fromkeys(row["case"] for row in dates["milestones"]):
        yield ""
        yield f"== {case}"
        yield _line("milestone", "opens", "best by", "due", "state", "met")
        yield from (_milestone(row) for row in dates["milestones"] if row["case"] == case)
        yield from (f"! {_short(case, sentence)}" for sentence in said if sentence.startswith(f"{case}: "))
    yield ""
    yield f"== Notices from {asked['from']} until {asked['until']}"
    yield from map(_notice, told["notices"])


def _short(case: str, sentence: str) -> str:
    """Leave of a warning the check and its title: how the rest is worded is no matter of the policy."""
    return sentence.removeprefix(f"{case}: ").split(" (clause ")[0]


def _not_standing(plugin: Plugin, warnings: list[str]) -> list[str]:
    return [warning for warning in warnings if not warning.startswith(f"{plugin.policy.file}: ")]


def _milestone(row: Mapping[str, Any]) -> str:
    due, met = row["due_at"], row["met_at"]
    if due is not None:
        due = due[:DAY] if due[DAY + 1 : SECOND] == "23:59:59" else due[:MINUTE].replace("T", " ")
    return _line(row["key"], row["opens_on"], row["best_by_on"], due, row["state"], met and met[:DAY])


def _line(key: str, opens: str | None, best: str | None, due: str | None, state: str, met: str | None) -> str:
    dates = f"{opens or NOTHING:<12}{best or NOTHING:<12}{due or NOTHING:<18}"
    return f"{key:<44}{dates}{state:<11}{met or NOTHING}"


def _notice(notice: Mapping[str, Any]) -> str:
    at = notice["at"][:MINUTE].replace("T", " ")
    stage = f" {notice['stage']}" if notice["stage"] else ""
    who = ", ".join(notice["to_roles"])
    return f"{at}  {notice['kind'] + stage:<14}{notice['case']:<24}{notice['key']:<40}  {who}"
