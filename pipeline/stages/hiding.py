"""Hiding: which evidence rests on a layer that is taken from held-out ground, and what is told again without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import registry
from pipeline.config import Loaded
from pipeline.cube import REGION
from pipeline.errors import ConfigError
from pipeline.features import infill as feature
from pipeline.node import Call, FitNode, LayerNode, Node
from pipeline.recipe import Fit
from pipeline.stages import label

if TYPE_CHECKING:
    from pipeline.learning.heldout import Mask
    from pipeline.learning.hidden import Hiding
    from pipeline.learning.table import SampleTable

EPOCH = 1
SAMPLES = 50_000  # rows at most of any sample table: what the layers an infill sees at them may hold


@dataclass(frozen=True)
class Hidden:
    """The columns that go missing, and each infill that learns again: its parameters, the columns it gives, its fit and the table of what it sees."""

    columns: tuple[int, ...]
    infills: tuple[dict[str, Any], ...]
    fits: Mapping[str, str]
    nodes: tuple[FitNode, ...]

    def said(self) -> dict[str, Any]:
        """As plain values, part of the key of the score."""
        return {"columns": list(self.columns), "infills": list(self.infills)}


def hidden(
    loaded: Loaded, derived: list[Node], *, hide: tuple[str, ...], evidence: tuple[str, ...], prefix: str, samples: str, protocol: str
) -> Hidden:
    """What hiding the layers `hide` takes from the model; ConfigError for a layer that no feature reads."""
    made = [node for node in derived if isinstance(node, LayerNode)]
    gathers = {node.name: {*(node.gather.read_layers() if node.gather else ())} - {REGION} for node in derived if isinstance(node, FitNode)}
    tainted, told = set(hide), dict[str, LayerNode]()
    for node in made:
        read = {*node.call.read_layers(), *(name for fit in node.call.read_fits() for name in gathers.get(fit, ()))}
        if not read & tainted:
            continue
        names = [meta.name for meta in node.outputs]
        again = node.call.function is registry.find("features", "infill") and set(node.call.layers["of"]) & set(hide)
        if again and set(node.call.layers["seen"]) & tainted:
            raise ConfigError(
                f"{loaded.where('features', node.name, 'seen')}: {node.name} sees a layer made of {', '.join(hide)}, which protocol {protocol!r} hides; "
                "infill may see only what is there without the map"
            )
        if again:
            told[node.name] = node
        tainted |= set(names)
    if len(tainted) == len(set(hide)):
        raise ConfigError(
            f"protocol {protocol!r}: no feature is made of {', '.join(hide)}, so hiding it takes nothing away; name a layer under `hide:` that is used"
        )
    own = {meta.name for node in told.values() for meta in node.outputs}
    columns = tuple(i for i, name in enumerate(evidence) if name in tainted and name not in own)
    infills, fits, nodes = [], dict[str, str](), list[FitNode]()
    for place, (name, node) in enumerate(told.items()):
        given = [evidence.index(meta.name) if meta.name in evidence else -1 for meta in node.outputs]
        infills.append({**node.call.parameters, "name": name, "gives": given})
        reads = (*node.call.layers["seen"], *node.call.layers["of"])
        at = FitNode(
            f"{prefix}/seen_by_{name}", label.STAGE, Call(label.assemble, {"names": reads}, fits={"samples": f"{samples}/samples"}),
            Call(label.values_at, {}, {"evidence": reads, "measured": ()}, fits={"samples": f"{samples}/samples"}), SAMPLES * 4 * len(reads),
        )  # fmt: skip
        nodes.append(at)
        fits |= {f"rocks{place}": node.call.fits["rocks"], f"seen{place}": at.name}
    return Hidden(columns, tuple(infills), fits, tuple(nodes))


def hiding(table: SampleTable, said: Mapping[str, Any], fits: Mapping[str, Fit], *, rows: Mask) -> Hiding:
    """What gives the evidence of each fold, from the plain values of `Hidden.said` and the artefacts of its fits.

    `rows` (samples,) says which of the samples are the rows of `table`.
    """
    from pipeline.learning.hidden import Hiding, Told
    from pipeline.learning.table import SampleTable

    infills = []
    for place, one in enumerate(said["infills"]):
        seen = SampleTable.from_bytes(fits[f"seen{place}"].value).values[rows]
        mapped = feature.numbered(seen[:, -1].astype(np.int64), one["classes"], tuple(one["cover"])) >= 0
        how = feature.how(one["block_km"], one["folds"], one["trees"])
        infills.append(Told(np.array(one["gives"], np.int64), seen[:, :-1], mapped, fits[f"rocks{place}"].value, how))
    return Hiding(table, np.array(said["columns"], np.int64), tuple(infills))
