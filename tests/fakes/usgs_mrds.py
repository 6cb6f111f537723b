"""mrds-csv.zip: mrds.csv, world, its names not all in UTF-8."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.ground import zipped

NAME = "mrds/mrds-csv.zip"
HEADER = "dep_id,url,mrds_id,mas_id,site_name,latitude,longitude,region,country,state,county,com_type,commod1,commod2,commod3,"
HEADER += "oper_type,dep_type,prod_size,dev_stat,ore"
ROWS = [
    '10001,,,,"Koh-i-Sar",28.10,65.70,AS,Pakistan,Balochistan,,M,"Copper, Gold",Molybdenum,,Unknown,Porphyry copper,N,Prospect,',
    '10002,,,,"Gor Mine",28.30,65.90,AS,Pakistan,Balochistan,,M,Chromium,,,Surface,Podiform chromite,Y,Past Producer,',
    "10003,,,,Talar,28.20,66.00,AS,Pakistan,Balochistan,,M,Zinc,Lead,,Unknown,Sedimentary exhalative Zn-Pb,N,Occurrence,",
    "10004,,,,Mill,28.20,65.95,AS,Pakistan,Balochistan,,M,Copper,,,Processing Plant,,N,Plant,",
    "10005,,,,Sin nombre,-22.30,-68.90,SA,Chile,,,M,Copper,,,Surface,Porphyry copper,Y,Producer,",
    "10006,,,,No place,,,AS,Pakistan,,,M,Gold,,,,,,Occurrence,",
]


def make(root: Path, *, header: str = HEADER) -> None:
    """The archive below `root`."""
    text = "\n".join([header, *ROWS]).encode() + b"\n10007,,,,Ca\xf1\xf3n,10,10,XX,X,,,M,Tin,,,,,,Occurrence,\n"
    zipped(root / NAME, {"mrds.csv": text})
