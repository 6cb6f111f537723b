"""The synthetic province: geology, evidence and deposits drawn from a seed, after published figures kept in
../facts.
"""

from __future__ import annotations

from sample_data.world.build import make_world
from sample_data.world.state import World

__all__ = ["World", "make_world"]
