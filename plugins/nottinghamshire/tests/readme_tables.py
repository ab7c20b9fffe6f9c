"""Make the README's two tables from the policy and the coverage file; run it to write them into the README."""

import tomllib
from pathlib import Path
from typing import Any

PLUGIN = Path(__file__).parents[1]
PACKAGE = PLUGIN / "ehs_nottinghamshire"
README = PLUGIN / "README.md"


def policy() -> dict[str, Any]:
    return tomllib.loads((PACKAGE / "policy.toml").read_text(encoding="utf-8"))


def coverage() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads((PACKAGE / "coverage.toml").read_text(encoding="utf-8"))["rows"]
    return rows


def rules_with_readings() -> dict[str, list[str]]:
    """Return, for each reading, the rules and ladder steps that rest on it."""
    found: dict[str, list[str]] = {}
    made = policy()
    rules = {**made["standard"], **made["rhythm"]}
    named = [(id_, rule.get("reading", [])) for id_, rule in rules.items()]
    named += [(id_, step.get("reading", [])) for id_, ladder in made["ladder"].items() for step in ladder["steps"]]
    named.append(("every rule", made["policy"].get("reading", [])))
    for id_, readings in named:
        for reading in [readings] if isinstance(readings, str) else readings:
            if id_ not in found.setdefault(reading, []):
                found[reading].append(id_)
    return found


def readings_table() -> str:
    used = rules_with_readings()
    lines = ["| reading | clauses | answer taken | rules | state |", "|---|---|---|---|---|"]
    for id_, reading in policy()["reading"].items():
        rules = "every rule" if "every rule" in used[id_] else ", ".join(f"`{rule}`" for rule in used[id_])
        lines.append(
            f"| `{id_}` | {', '.join(reading['clauses'])} | {reading['answer']} | {rules} | {state(reading)} |"
        )
    return "\n".join(lines)


def state(reading: dict[str, Any]) -> str:
    if "signed_by" in reading:
        return f"signed by {reading['signed_by']}, {reading['signed_on']}"
    return "the project's; not signed" if reading.get("answer") else "open"


def coverage_table() -> str:
    lines = ["| row | clause | | where |", "|---|---|---|---|"]
    lines += [f"| {row['row']} | {row['clause']} | {row['as']} | {held_by(row)} |" for row in coverage()]
    return "\n".join(lines)


def held_by(row: dict[str, Any]) -> str:
    if "why" in row:
        return f"not encoded: {row['why']}"
    if "part" in row:
        return f"part {row['part']}"
    rules = ", ".join(f"`{rule}`" for rule in row["rule"])
    return f"{rules} ({row['note']})" if "note" in row else rules


def with_tables(text: str) -> str:
    """Return the README's text with the two tables as the files give them."""
    for name, table in (("readings", readings_table()), ("coverage", coverage_table())):
        begin, end = f"<!-- {name}: made from the policy's files -->", f"<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{README}: the marks {begin!r} and {end!r} are missing; put them around the table")
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
