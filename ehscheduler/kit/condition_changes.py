"""What can be changed in a condition: it goes, it is turned round, a part of it goes, a value is another."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ehscheduler.kit.phrase_changes import phrase_changes

Path = tuple[str | int, ...]
Change = tuple[Path, Any]
BOUNDS = {"under": "at_most", "at_most": "under", "over": "at_least", "at_least": "over"}


def condition_changes(path: Path, where: Mapping[str, Any] | None) -> Iterator[Change]:
    """Yield every near miss of a condition, the whole of it gone or turned round included."""
    if not where:
        return
    yield path, None
    if set(where) == {"not"}:
        yield path, where["not"]
    else:
        yield path, {"not": dict(where)}
    yield from _parts(path, where)


def _parts(path: Path, where: Mapping[str, Any]) -> Iterator[Change]:
    for key, value in where.items():
        at = (*path, key)
        if len(where) > 1:
            yield at, None
        match value:
            case _ if key == "happened":
                yield from _reaches(at, value)
            case dict() if key == "not":
                yield from _parts(at, value)
            case list() if key == "any":
                yield from _each(at, value)
                for n, part in enumerate(value):
                    yield (*at, n), {"not": part}
                    yield from _parts((*at, n), part)
            case list():
                yield from _each(at, value)
            case dict():
                yield from _bounds(at, value)
            case _ if key != "known":
                yield at, _other(key, value)


def _each(path: Path, values: list[Any]) -> Iterator[Change]:
    if len(values) > 1:
        yield from (((*path, n), None) for n in range(len(values)))


def _bounds(path: Path, bounds: Mapping[str, Any]) -> Iterator[Change]:
    for name, value in bounds.items():
        if len(bounds) > 1:
            yield (*path, name), None
        if isinstance(value, int):
            yield from (((*path, name), other) for other in (value - 1, value + 1))
        rest = {n: v for n, v in bounds.items() if n != name}
        yield path, {**rest, BOUNDS[name]: value}


def _reaches(path: Path, happened: Mapping[str, str]) -> Iterator[Change]:
    for word, reach in happened.items():
        if len(happened) > 1:
            yield (*path, word), None
        if reach == "ever":
            yield (*path, word), "within 1 day"
        else:
            yield (*path, word), "ever"
            yield from (((*path, word), other) for other in partial(phrase_changes, kin=lambda _: ())(reach))


def _other(key: str, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"another {key}"
