"""Write the README's tables of words, readings and coverage as the plugin's files give them; run it to renew them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PLUGIN = Path(__file__).parents[1]
PACKAGE = PLUGIN / "ehs_manchester"
README = PLUGIN / "README.md"
SHAPES = ("standard", "rhythm", "check", "meeting", "ladder", "limit", "route")


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((PACKAGE / name).read_text(encoding="utf-8"))


def as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def shapes() -> dict[str, dict[str, Any]]:
    """Return every table that can hold a row of the rule list, by its id."""
    policy = read("policy.toml")
    return {id_: table for shape in SHAPES for id_, table in policy.get(shape, {}).items()}


def rests_on() -> dict[str, list[str]]:
    """Return what rests on each reading: the tables themselves, or their rows and steps."""
    found: dict[str, list[str]] = {name: ["every rule"] for name in as_list(read("policy.toml")["policy"]["reading"])}
    for id_, table in shapes().items():
        for part in (table, *table.get("rows", ()), *table.get("steps", ())):
            for name in as_list(part.get("reading", [])):
                if id_ not in found.setdefault(name, []):
                    found[name].append(id_)
    return found


def words() -> Iterator[str]:
    yield "| event | meaning; what rules read in `detail` | clause |"
    yield "|---|---|---|"
    for name, word in read("policy.toml")["event"].items():
        if not word.keys() & {"any", "all", "of"}:
            yield f"| `{name}` | {word['title']} | {', '.join(as_list(word['clause']))} |"


def readings() -> Iterator[str]:
    yield "| reading | clauses | answer taken | rules | state |"
    yield "|---|---|---|---|---|"
    for name, reading in read("policy.toml")["reading"].items():
        held = ", ".join(id_ if id_ == "every rule" else f"`{id_}`" for id_ in rests_on()[name])
        signed = reading.get("signed_by")
        state = f"signed by {signed}, {reading['signed_on']}" if signed else "the project's; not signed"
        yield f"| `{name}` | {', '.join(reading['clauses'])} | {reading['answer']} | {held} | {state} |"


def coverage() -> Iterator[str]:
    yield "| row | clause | | where |"
    yield "|---|---|---|---|"
    for row in read("coverage.toml")["rows"]:
        where = f"not encoded: {row['why']}" if row["as"] == "P" else ", ".join(f"`{rule}`" for rule in row["rule"])
        note = f" ({row['note']})" if "note" in row else ""
        yield f"| {row['row']} | {row['clause']} | {row['as']} | {where}{note} |"


def renewed(text: str) -> str:
    """Return the README's text with its three tables as the files have them now."""
    for name, lines in (("words", words()), ("readings", readings()), ("coverage", coverage())):
        begin, end = f"<!-- {name}: made from the policy's files -->", f"<!-- {name}: end -->"
        before, after = text.split(begin)[0], text.split(end)[1]
        text = "\n".join([before + begin, *lines, end + after])
    return text


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
