"""The targets as GeoParquet, for tables and programs."""

from __future__ import annotations

from pipeline.bundle import Bundle
from pipeline.publishers._targets import targets

EPOCH = 5


def geoparquet(*, bundle: Bundle) -> None:
    """`targets.parquet`: the rows of the GeoPackage's layer `targets`, geometry as WKB in the grid's CRS; and each table of areas as `by_*.parquet`."""
    targets(bundle).to_parquet(bundle.folder / "targets.parquet", index=False, compression="zstd", schema_version="1.0.0")
    for name, sheet in bundle.tables.items():
        if name.startswith("by_"):
            sheet.frame.to_parquet(bundle.folder / f"{name}.parquet", index=False, compression="zstd")
