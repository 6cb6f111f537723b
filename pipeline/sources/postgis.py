"""A table or view of a survey's own PostGIS database."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pyproj import CRS
from pyproj.exceptions import CRSError

from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.sources import _files, _served
from pipeline.sources._vectorfile import around

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1

TIMEOUT_S = 20
QUERY_MS = 600_000
AT_ONCE = 2000  # rows of a page of the cursor
Word = Annotated[str, Field(pattern=r"^[^\s:/@?#'\"\\=]+$", max_length=253)]


def postgis(
    *,
    host: Word,
    database: Word,
    table: Annotated[str, Field(pattern=r"^[^.\"\x00]+(\.[^.\"\x00]+)?$")],
    user: Word | None = None,
    port: Annotated[int, Field(ge=1, le=65535)] = 5432,
    geometry: str | None = None,
    columns: tuple[str, ...] | None = None,
    where: dict[str, list[str]] | None = None,
    crs: str | None = None,
    ssl: Literal["require", "verify-full", "prefer", "disable"] = "prefer",
    max_features: Annotated[int, Field(ge=1)] = 1_000_000,
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "",
    citation: str = "",
    redistribute: bool = False,
    synthetic: bool | None = None,
) -> Rows:
    """A table or view of PostGIS as a vector source: `table` is its name, with its schema where that is not public.

    The password is never written in a config: PostgreSQL's own ways give it, `PGPASSWORD` or `~/.pgpass` (`user` defaults to PGUSER or yours), and no
    key, output or message holds it. Rows within `margin_m` of the region are read, in a transaction that cannot write, at most `max_features`; `where`
    says which values a column may have, `columns` which to read (all, unless said). `geometry` names the column where there are several. They are read
    on every run, and what was made of them is made again only where they changed. Nothing is copied to an output unless you may: `redistribute: true`.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    schema, _, name = table.rpartition(".")
    address = f"postgis://{host}:{port}/{database}/{schema or 'public'}.{name}"
    return Rows(address, None, {}, crs, margin_m, synthetic, (), None, max_features, host, port, database, user, schema or "public", name, geometry, columns,
                where or {}, ssl)  # fmt: skip


@dataclass(frozen=True)
class Rows(_served.Served):
    """The source `postgis` with its parameters."""

    host: str
    port: int
    database: str
    user: str | None
    schema: str
    table_name: str
    geometry: str | None
    wanted: tuple[str, ...] | None
    only: dict[str, list[str]]
    ssl: str

    def fetched(self, place: Place) -> gpd.GeoDataFrame:
        """Every row near the region, in the CRS of the table."""
        import psycopg

        try:
            with psycopg.connect(
                host=self.host, port=self.port, dbname=self.database, user=self.user, sslmode=self.ssl, connect_timeout=TIMEOUT_S,
                application_name="prospect", options=f"-c statement_timeout={QUERY_MS}",
            ) as open_:  # fmt: skip
                open_.read_only = True
                return self._read(open_, place)
        except psycopg.OperationalError as error:
            as_user = f" as {self.user}" if self.user else ""
            raise DataError(
                f"{self.name}: the database cannot be reached{as_user} ({_told(error)}); check host, port and user, and give the password in PGPASSWORD or ~/.pgpass"
            ) from None
        except psycopg.Error as error:
            raise DataError(f"{self.name}: the database refuses ({_told(error)}); may this user read the table?") from None

    def _read(self, open_: Any, place: Place) -> gpd.GeoDataFrame:
        import geopandas as gpd
        import shapely
        from psycopg import sql

        column, crs, srid = self._geometry(open_)
        held = [row[0] for row in open_.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s AND udt_name NOT IN ('geometry', 'geography', 'raster') "
            "ORDER BY ordinal_position", (self.schema, self.table_name),
        )]  # fmt: skip
        for word in (*(self.wanted or ()), *self.only):
            if word not in held:
                raise DataError(f"{self.name}: has no column {word!r}{_files.nearest(word, held)}")
        names = list(self.wanted or held)
        query = sql.SQL(
            "SELECT ST_AsBinary(ST_Force2D({g}::geometry)), {columns} FROM {table} WHERE {g}::geometry && ST_MakeEnvelope(%s, %s, %s, %s, %s){only} LIMIT %s"
        ).format(
            g=sql.Identifier(column), table=sql.Identifier(self.schema, self.table_name),
            columns=sql.SQL(", ").join(map(sql.Identifier, names)) if names else sql.SQL("NULL"),
            only=sql.SQL("").join(sql.SQL(" AND {}::text = ANY(%s)").format(sql.Identifier(name)) for name in self.only),
        )  # fmt: skip
        box = around(place.grid, self.margin_m, crs)
        with open_.cursor(name="prospect") as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(query, (*box, srid, *self.only.values(), self.max_features + 1))
            rows = cursor.fetchall()
        self.check_count(len(rows))
        shapes = shapely.from_wkb([row[0] for row in rows])
        return gpd.GeoDataFrame({name: [row[i + 1] for row in rows] for i, name in enumerate(names)}, geometry=shapes, crs=crs)

    def _geometry(self, open_: Any) -> tuple[str, CRS, int]:
        """The geometry column meant, the CRS its numbers are in, and the number the database gives that."""
        found = open_.execute(
            "SELECT f_geometry_column, srid FROM geometry_columns WHERE f_table_schema = %s AND f_table_name = %s UNION ALL "
            "SELECT f_geography_column, srid FROM geography_columns WHERE f_table_schema = %s AND f_table_name = %s",
            (self.schema, self.table_name) * 2,
        ).fetchall()
        held: dict[str, Any] = dict(found)
        if not held:
            there = [row[0] for row in open_.execute("SELECT DISTINCT f_table_schema || '.' || f_table_name FROM geometry_columns ORDER BY 1")]
            raise DataError(f"{self.name}: no table of geometry there that this user may read{_files.nearest(f'{self.schema}.{self.table_name}', there)}")
        column = self.geometry or (next(iter(held)) if len(held) == 1 else None)
        if column is None or column not in held:
            raise DataError(
                f"{self.name}: has {len(held)} geometry columns ({', '.join(sorted(held))}), and `geometry:` says {self.geometry or 'none'}; name one of them"
            )
        srid = int(held[column])
        known = open_.execute("SELECT auth_name, auth_srid, srtext FROM spatial_ref_sys WHERE srid = %s", (srid,)).fetchone()
        if self.crs is None and known is None:
            raise DataError(f"{self.name}: column {column!r} says no CRS (SRID {srid}); add `crs: EPSG:...` to its source")
        said = self.crs or (f"EPSG:{known[1]}" if known[0] == "EPSG" else known[2])
        try:
            return column, CRS(said), srid
        except CRSError as error:
            raise DataError(f"{self.name}: its CRS {str(said)[:60]!r} is not understood by PROJ; say it as `crs: EPSG:...`") from error


def _told(error: Exception) -> str:
    """The first line of what the database said, without the password, whatever it quotes."""
    said = " ".join(str(error).split())[:300]
    secret = os.environ.get("PGPASSWORD")
    return said.replace(secret, "...") if secret else said
