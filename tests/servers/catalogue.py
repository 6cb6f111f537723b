"""A real STAC API on loopback: stac-fastapi over pgstac, on a PostgreSQL with PostGIS of its own in a temporary folder."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

WORLD = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}


@dataclass(frozen=True)
class Catalogue:
    """The running server: `url` of its landing page."""

    url: str
    dsn: str

    def add(self, items: Iterable[dict[str, Any]]) -> None:
        """Put items in, or anew, and the collections they name: by the database's own functions, as the API's transactions do."""
        import psycopg

        items = list(items)
        with psycopg.connect(self.dsn, autocommit=True, options="-c search_path=pgstac,public") as db:
            for name in sorted({item["collection"] for item in items}):
                db.execute("SELECT upsert_collection(%s::jsonb)", [json.dumps(collection(name))])
            db.execute("SELECT upsert_items(%s::jsonb)", [json.dumps(items)])


def collection(name: str) -> dict[str, Any]:
    """The least a collection says."""
    return {
        "type": "Collection", "stac_version": "1.0.0", "id": name, "description": f"A small fake of {name}", "license": "CC0-1.0", "links": [],
        "extent": WORLD,
    }  # fmt: skip


def postgres() -> Path | None:
    """The folder of PostgreSQL's programs, where PostGIS is there too."""
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (found / "initdb").exists() and list(Path(f"/usr/share/postgresql/{found.parent.name}/extension").glob("postgis.control")):
            return found
    return None


needed = pytest.mark.skipif(postgres() is None, reason="needs PostgreSQL with PostGIS: apt-get install postgresql postgresql-15-postgis-3 (.ci/run does)")


@contextlib.contextmanager
def running() -> Iterator[Catalogue]:
    """An empty catalogue, ended with all it started."""
    programs = postgres()
    assert programs is not None
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="prospect-postgres-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        as_user: dict[str, Any] = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            as_user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

        def run(*said: str) -> None:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(said, check=True, cwd=folder, **quiet, **as_user)

        run(str(programs / "initdb"), "-D", "data", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
        # a socket in its own folder and no port: nothing to collide with
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off -c jit=off"
        run(str(programs / "pg_ctl"), "-D", "data", "-w", "-l", "log", "-o", settings, "start")
        stack.callback(run, str(programs / "pg_ctl"), "-D", "data", "-m", "immediate", "stop")
        dsn = f"postgresql://postgres@/postgres?host={folder}"
        _migrate(dsn)
        yield Catalogue(stack.enter_context(_api(folder)), dsn)


def _migrate(dsn: str) -> None:
    from pypgstac.db import PgstacDB
    from pypgstac.migrate import Migrate

    with PgstacDB(dsn=dsn) as db:
        Migrate(db).run_migration()


@contextlib.contextmanager
def _api(folder: Path) -> Iterator[str]:
    said = {"PGHOST": quote(str(folder), safe=""), "PGPORT": "5432", "PGUSER": "postgres", "PGDATABASE": "postgres", "PGPASSWORD": "none"}
    command = [sys.executable, "-m", "uvicorn", "--factory", "stac_fastapi.pgstac.app:create_app", "--host", "127.0.0.1", "--port", "0"]
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        api = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | said)
    try:
        for _ in range(600):
            found = re.search(r"running on (http://127\.0\.0\.1:\d+)", log.read_text())
            if found:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                api.wait(0.1)
                raise RuntimeError(f"the STAC API ended: {log.read_text()[-2000:]}")
        else:
            raise RuntimeError(f"the STAC API did not start: {log.read_text()[-2000:]}")
        yield found[1]
    finally:
        api.terminate()
        api.wait(10)
        log.unlink(missing_ok=True)
