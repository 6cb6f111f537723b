"""Ground: where a mineral system can be at all, by the rock its config says it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline import registry
from pipeline.config import Loaded
from pipeline.cube import REGION, LayerMeta
from pipeline.errors import ConfigError
from pipeline.node import Call, LayerNode
from pipeline.recipe import Array, Layer, Layers

EPOCH = 1
STAGE = "label"


def nodes(loaded: Loaded, *, prefix: str, layers: Mapping[str, LayerMeta]) -> list[LayerNode]:
    """`<prefix>/permissive`, if the system says what rock it needs; ConfigError for a layer that is not there or holds no classes."""
    criteria = loaded.config.system.permissive
    if not criteria:
        return []
    for place, rock in enumerate(criteria):
        where = loaded.where("system", "permissive", str(place), "of")
        if rock.of not in layers:
            raise ConfigError(f"{where}: {registry.unknown('layer', rock.of, layers)}")
        if layers[rock.of].dtype != "int32":
            raise ConfigError(f"{where}: {rock.of!r} holds no classes; system.permissive reads categorical layers such as geology")
    metas = [layers[rock.of] for rock in criteria]
    meta = LayerMeta(
        f"{prefix}/permissive", "float32", "1", "1 where the rock allows the system or is unknown, 0 where it does not", ", ".join(m.name for m in metas),
        "; ".join(dict.fromkeys(m.licence for m in metas)), max(m.native_m for m in metas), any(m.synthetic for m in metas),
    )  # fmt: skip
    call = Call(
        permissive, {"criteria": [rock.model_dump(mode="json") for rock in criteria]},
        {"maps": tuple(rock.of for rock in criteria), "region": (REGION,)}, reach_m=max(rock.within_m for rock in criteria),
    )  # fmt: skip
    return [LayerNode(meta.name, STAGE, call, (meta,))]


def permissive(*, maps: Layers, region: Layer, criteria: list[dict[str, Any]]) -> Array:
    """1 where the rock allows the system or nothing is known of it, 0 where it does not, NaN outside the region; (y, x) float32."""
    from pipeline.spatial import rocks

    answer = rocks.permissive([layer.values for layer in maps], criteria, cell_m=region.cell_m)
    return np.where(np.isnan(region.values), np.float32(np.nan), answer)
