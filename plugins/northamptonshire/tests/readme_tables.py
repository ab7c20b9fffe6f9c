"""Make the README's three tables from the policy and the coverage file; run it to write them into the README."""

import tomllib
from pathlib import Path
from typing import Any

PLUGIN = Path(__file__).parents[1]
PACKAGE = PLUGIN / "ehs_northamptonshire"
README = PLUGIN / "README.md"
SHAPES = ("standard", "rhythm", "check", "limit", "route")


def policy() -> dict[str, Any]:
    return tomllib.loads((PACKAGE / "policy.toml").read_text(encoding="utf-8"))


def tables() -> dict[str, dict[str, Any]]:
    """Return every rule, check, limit and route by its id."""
    made = policy()
    return {id_: table for shape in SHAPES for id_, table in made.get(shape, {}).items()}


def coverage() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads((PACKAGE / "coverage.toml").read_text(encoding="utf-8"))["rows"]
    return rows


def rules_with_readings() -> dict[str, list[str]]:
    """Return, for each reading, what rests on it."""
    found: dict[str, list[str]] = {}
    named = [(id_, table.get("reading", [])) for id_, table in tables().items()]
    named += [(id_, row.get("reading", [])) for id_, table in tables().items() for row in table.get("rows", ())]
    named.append(("every rule", policy()["policy"].get("reading", [])))
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


def words_table() -> str:
    """List the words that a source may send, beside the shared ones."""
    lines = ["| event | meaning; what rules read in `detail` | clause |", "|---|---|---|"]
    for id_, word in policy()["event"].items():
        if not {"any", "all", "of"} & set(word):
            clause = word["clause"]
            lines.append(f"| `{id_}` | {word['title']} | {clause if isinstance(clause, str) else ', '.join(clause)} |")
    return "\n".join(lines)


def coverage_table() -> str:
    lines = ["| row | clause | | where |", "|---|---|---|---|"]
    lines += [f"| {row['row']} | {row['clause']} | {row['as']} | {held_by(row)} |" for row in coverage()]
    return "\n".join(lines)


def held_by(row: dict[str, Any]) -> str:
    where = f"not encoded: {row['why']}" if "why" in row else ", ".join(f"`{rule}`" for rule in row["rule"])
    return f"{where} ({row['note']})" if "note" in row else where


def with_tables(text: str) -> str:
    """Return the README's text with the tables as the files give them."""
    made = (("words", words_table()), ("readings", readings_table()), ("coverage", coverage_table()))
    for name, table in made:
        begin, end = f"<!-- {name}: made from the policy's files -->", f"<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{README}: the marks {begin!r} and {end!r} are missing; put them around the table")
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
