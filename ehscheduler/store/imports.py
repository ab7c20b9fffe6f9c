"""Imports: which file was read when, what came of it, and which rows were set aside."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Select, func, select, update

from ehscheduler.store.schema import import_run, row_set_aside
from ehscheduler.store.tx import Tx, columns

ROWS_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """One reading of one file; `refused` is the sentence that says why nothing of it was taken."""

    id: int
    file: str
    sha256: str
    kind: str
    source: str
    read_at: datetime
    rows: int
    added: int
    set_aside: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class RowSetAside:
    """A row that was not taken: its line, and why, in words that quote none of it."""

    line: int
    reason: str


def start_import(tx: Tx, authority: str, *, file: str, sha256: str, kind: str, source: str, read_at: datetime) -> int:
    """Note that a file is being read; return the import's id. It is there only if the transaction commits."""
    number = tx.next_id(import_run, authority)
    row = {"id": number, "file": file, "sha256": sha256, "kind": kind, "source": source, "read_at": read_at}
    tx.insert_new(import_run, [{"authority": authority, **row, "rows": 0, "added": 0, "set_aside": 0}])
    return number


def finish_import(
    tx: Tx, authority: str, import_id: int, *, rows: int, added: int, set_aside: int, refused: str | None = None
) -> None:
    """Note what came of an import."""
    where = (import_run.c.authority == authority, import_run.c.id == import_id)
    values = {"rows": rows, "added": added, "set_aside": set_aside, "refused": refused}
    tx.execute(update(import_run).where(*where).values(**values))


def set_rows_aside(tx: Tx, authority: str, import_id: int, rows: Iterable[RowSetAside]) -> None:
    """Keep the rows that were set aside, the first thousand of them."""
    kept = [
        {"authority": authority, "import_id": import_id, "place": place, "line": row.line, "reason": row.reason}
        for place, row in enumerate(islice(rows, ROWS_KEPT), start=1)
    ]
    tx.insert_new(row_set_aside, kept)


def rows_set_aside(tx: Tx, authority: str, import_id: int) -> list[RowSetAside]:
    """Read the rows that an import set aside, in the order they were met."""
    c = row_set_aside.c
    query = select(c.line, c.reason).where(c.authority == authority, c.import_id == import_id).order_by(c.place)
    return tx.records(RowSetAside, query)


def imports(tx: Tx, authority: str, *, limit: int = 50) -> list[ImportRun]:
    """List the imports, the newest first."""
    return tx.records(ImportRun, _query(authority).limit(limit))


def last_import(tx: Tx, authority: str, kind: str) -> ImportRun | None:
    """Read the last import of a kind that was not refused."""
    query = _query(authority).where(import_run.c.kind == kind, import_run.c.refused.is_(None)).limit(1)
    return next(iter(tx.records(ImportRun, query)), None)


def last_read(tx: Tx, authority: str, kinds: Iterable[str]) -> datetime | None:
    """Return when a file of one of these kinds was last taken in."""
    c = import_run.c
    query = select(c.read_at).where(c.authority == authority, c.kind.in_(list(kinds)), c.refused.is_(None))
    return tx.execute(query.order_by(c.id.desc()).limit(1)).scalar()


def last_rows(tx: Tx, authority: str, kind: str) -> int | None:
    """Return how many rows the last import of a kind had, in all its files; None where there was none."""
    last = last_import(tx, authority, kind)
    if last is None:
        return None
    c = import_run.c
    where = (c.authority == authority, c.kind == kind, c.read_at == last.read_at, c.refused.is_(None))
    return int(tx.execute(select(func.sum(c.rows)).where(*where)).scalar_one())


def _query(authority: str) -> Select[tuple[object, ...]]:
    query = select(*columns(import_run, ImportRun)).where(import_run.c.authority == authority)
    return query.order_by(import_run.c.id.desc())
