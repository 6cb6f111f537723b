"""porcu-csv.zip: porcu/main.csv."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.ground import zipped

NAME = "porcu/porcu-csv.zip"
TEXT = """rec_id,country,depname,altname,latitude,longitude,oreton,cugrd,mogrd,aggrd,augrd
1,Pakistan,Koh-i-Sar,,28.102,65.701,412,0.43,0.01,0,0.3
2,Pakistan,Sar-i-Sang,,28.35,65.65,,,,,
3,Chile,Chuquicamata,,-22.29,-68.9,21277,0.86,0.04,5,0.013
"""


def make(root: Path) -> None:
    """The archive below `root`."""
    zipped(root / NAME, {"porcu/main.csv": TEXT, "porcu/references.csv": "ref_id,citation\n"})
