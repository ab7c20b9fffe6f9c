"""The README's tables of words, readings and coverage, made from the policy's files and held to them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ehscheduler.core.policy import Reading
from ehscheduler.errors import PolicyRefused
from ehscheduler.kit.coverage import rests_on
from ehscheduler.kit.plugin import Plugin


def readme_faults(plugin: Plugin) -> list[str]:
    """Say which of the README's tables is missing, or is not what the files say now."""
    if plugin.root is None:
        return []
    text, faults = _text(plugin.root / "README.md"), []
    for name, lines in tables(plugin).items():
        begin, end = _marks(name)
        if begin not in text or end not in text:
            said = f"has no table between {begin!r} and {end!r}; put the marks there, or {plugin.remedy}"
            faults.append(f"{plugin.name} README.md {said}")
        elif text.split(begin)[1].split(end)[0] != "\n".join(["", *lines, ""]):
            faults.append(f"{plugin.name} README.md: the table of {name} is not what the files say; {plugin.remedy}")
    return faults


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise PolicyRefused([f"{path}: cannot be read as UTF-8 text: {error}"]) from None


def renew_readme(plugin: Plugin) -> None:
    """Write the tables into the README, between the marks that stand there, or at its end."""
    if plugin.root is None:
        raise PolicyRefused([f"{plugin.name}: is installed without its README; name the plugin's own folder"])
    path = plugin.root / "README.md"
    text = _text(path)
    for name, lines in tables(plugin).items():
        begin, end = _marks(name)
        if begin not in text or end not in text:
            text = f"{text.replace(begin, '').replace(end, '').rstrip()}\n\n{begin}\n{end}\n".lstrip()
        before, rest = text.split(begin, 1)
        text = "\n".join([before + begin, *lines, end + rest.split(end, 1)[1]])
    path.write_text(text, encoding="utf-8")


def tables(plugin: Plugin) -> dict[str, list[str]]:
    """Return each table's lines by its name."""
    return {
        "words": list(_words(plugin)),
        "readings": list(_readings(plugin)),
        "coverage": list(_coverage(plugin)),
    }


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: made from the policy's files -->", f"<!-- {name}: end -->"


def _words(plugin: Plugin) -> Iterator[str]:
    """List the words that a source may send, beside those that all authorities share."""
    yield "| event | meaning; what rules read in `detail` | clause |"
    yield "|---|---|---|"
    for name in plugin.tables.get("event", {}):
        word = plugin.policy.words[name]
        if word.recorded:
            yield f"| `{name}` | {word.title} | {', '.join(word.clause)} |"


def _readings(plugin: Plugin) -> Iterator[str]:
    yield "| reading | clauses | answer taken | rules | state |"
    yield "|---|---|---|---|---|"
    used = rests_on(plugin)
    for id_, reading in plugin.policy.readings.items():
        rules = ", ".join(rule if rule == "every rule" else f"`{rule}`" for rule in used.get(id_, []))
        answer = reading.answer or "none yet"
        yield f"| `{id_}` | {', '.join(reading.clauses)} | {answer} | {rules} | {_state(reading)} |"


def _state(reading: Reading) -> str:
    if reading.signed_by:
        return f"signed by {reading.signed_by}, {reading.signed_on}"
    return "the project's; not signed" if reading.answer else "open"


def _coverage(plugin: Plugin) -> Iterator[str]:
    yield "| row | clause | | where |"
    yield "|---|---|---|---|"
    for row in plugin.coverage:
        yield f"| {row['row']} | {row['clause']} | {row['as']} | {_where(row)} |"


def _where(row: dict[str, Any]) -> str:
    held = f"not encoded: {row['why']}" if "why" in row else ", ".join(f"`{rule}`" for rule in row.get("rule", ()))
    return f"{held} ({row['note']})" if "note" in row else held
