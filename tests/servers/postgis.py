"""A PostgreSQL with PostGIS of its own, in a temporary folder and on a free port of this machine; none where Debian's packages are missing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER, PASSWORD = "surveyor", "open sesame: 7"


def missing() -> str:
    """Why there can be none here; empty when there can."""
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return "PostgreSQL is not installed (apt-get install postgresql postgis)"
    if not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        return "PostGIS is not installed (apt-get install postgresql-15-postgis-3)"
    if os.geteuid() == 0 and not shutil.which("runuser"):
        return "PostgreSQL refuses to run as root, and there is no runuser"
    return ""


@dataclass
class Database:
    """Where it listens, and its superuser, which needs a password as any other user."""

    port: int
    host: str = "127.0.0.1"
    name: str = "survey"
    user: str = USER
    password: str = PASSWORD

    def run(self, text: str) -> None:
        """Statements, as the superuser."""
        import psycopg

        with psycopg.connect(host=self.host, port=self.port, dbname=self.name, user=self.user, password=self.password, autocommit=True) as open_:
            open_.execute(text)  # type: ignore[call-overload]


@contextmanager
def running() -> Iterator[Database]:
    """The database, for as long as it is needed."""
    import psycopg

    (bin_,) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    folder = Path(tempfile.mkdtemp(prefix="postgis-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    as_user = []
    if os.geteuid() == 0:  # postgres refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        for path in (folder, secret):
            shutil.chown(path, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    made = [bin_ / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-N", "-E", "UTF8", "--locale=C"]
    subprocess.run([*as_user, *made], cwd=folder, check=True, capture_output=True)
    options = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-F", "-c", "shared_buffers=16MB", "-c", "max_connections=10"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*as_user, bin_ / "postgres", *options], cwd=folder, stdout=log, stderr=log)
    database = Database(port)
    try:
        for _ in range(300):
            try:
                with psycopg.connect(host=database.host, port=port, dbname="postgres", user=USER, password=PASSWORD, autocommit=True) as open_:
                    open_.execute("CREATE DATABASE survey")
                break
            except psycopg.OperationalError:
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        database.run("CREATE EXTENSION postgis")
        yield database
    finally:
        subprocess.run([*as_user, bin_ / "pg_ctl", "-D", data, "-m", "immediate", "stop"], cwd=folder, check=False, capture_output=True)
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
