"""One world from one seed: geology first, then what fluids did to it, then what instruments and people saw of
it.
"""

from __future__ import annotations

import numpy as np

from sample_data.world import (
    alteration,
    bodies,
    cover,
    deposits,
    facts,
    faults,
    human,
    intensity,
    mapping,
    physics,
    spectra,
    terrain,
    terranes,
    units,
    worldwide,
)
from sample_data.world.frame import frame_around
from sample_data.world.state import World

SEEN_BEYOND_M = 10_000.0
GLOBAL_HEIGHT_M = 4_000.0
SURVEY_HEIGHT_M = 150.0


def make_world(seed: int, cell_m: float) -> World:
    """The synthetic province of a seed at a cell size in metres; the same arrays for the same seed, cell and
    libraries.
    """
    outline = facts.outline_m()
    frame = frame_around(outline, cell_m=cell_m)
    inside = frame.burn([outline])
    terrane = terranes.paint(frame)
    lines = faults.plant(seed)
    stocks = bodies.young_stocks(frame, terrane, lines, seed)
    rock = units.bedrock(frame, terrane, stocks, bodies.old_intrusions(frame, terrane, seed), seed)
    surface, thickness = cover.lay(frame, terrane, rock, seed)
    water = terrain.sea(frame, inside)
    dem = terrain.elevation(frame, terrane, rock, thickness, water, seed)
    altered = alteration.alter(frame, terrane, rock, stocks, lines, seed)
    rate = intensity.all_systems(frame, terrane, rock, altered, lines, inside)

    height = dem.astype(np.float64)
    k = physics.susceptibility(frame, rock, stocks, seed)
    k[water] = 0.0
    at_ground = physics.magnetics(frame, k, thickness, seed, height_m=SURVEY_HEIGHT_M)
    aloft = physics.magnetics(frame, k, thickness, seed, height_m=GLOBAL_HEIGHT_M)
    pull = physics.gravity(frame, rock, thickness, height, seed)

    looks = spectra.clear_looks(frame, inside, height, seed)
    seen = (frame.distance_m(inside) <= SEEN_BEYOND_M) & ~water
    bands = spectra.reflectance(frame, terrane, surface, thickness, altered, height, seed)
    bands[:, (looks == 0) | ~seen] = 0

    access = human.access()
    road_m = frame.distance_m(frame.burn(access["roads"].geometry, touched=True))
    mapped = mapping.sheets(frame, inside, road_m, seed)
    known, unknown = deposits.draw(frame, rate, thickness, deposits.discovery_log_odds(mapped, road_m), seed)
    return World(
        seed=seed,
        frame=frame,
        inside=inside,
        terrane=np.where(inside, terrane, 0).astype(np.uint8),
        bedrock=rock,
        surface=surface,
        cover_m=thickness,
        dem=dem,
        sentinel2=bands,
        clear_looks=np.where(seen, looks, 255).astype(np.uint8),
        magnetics_survey=physics.survey(frame, at_ground, inside, seed),
        magnetics_global=worldwide.resampled(frame, aloft),
        gravity=worldwide.resampled(frame, pull),
        mapped=mapped,
        geology_detailed=mapping.detailed(surface, mapped),
        geology_coarse=mapping.general(frame, surface, rock, thickness, inside, seed),
        legend=mapping.legend(),
        faults=lines.table,
        access=access,
        land=human.land(seed),
        occurrences=known,
        undiscovered=unknown,
        intensity=rate,
        road_m=road_m,
    )
