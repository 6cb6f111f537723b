"""The part of the configuration that makes ground of a map: what is looked for, what forbids or hinders it, and how ground is ranked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipeline.config.closed import Frame, Name, NotNegative, Positive, Share, Weight


class Exclude(Frame):
    """Ground that is no target: the features of the vector `of`, and all within `within_m` of them. Its name alone means 0 m."""

    of: Name
    within_m: NotNegative = 0

    @model_validator(mode="before")
    @classmethod
    def _named(cls, said: Any) -> Any:
        return {"of": said} if isinstance(said, str) else said

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema for editors: an object, or a name."""
        said = handler.resolve_ref_schema(handler(core))
        whole = {**said}
        said.clear()
        said |= {"anyOf": [{"type": "string"}, whole]}
        return said


class Flag(Frame):
    """What a target is told to lie in, or within `within_m` of: the features of the vector `of`. It keeps its rank.

    `by` and `until` are columns of that vector: who holds a licence, and until when.
    """

    of: Name
    by: str | None = None
    until: str | None = None
    within_m: NotNegative = 0


class Way(Frame):
    """Lines to travel along, at `km_h`; `join_h` hours to get on or off, such as loading a train."""

    km_h: Positive
    join_h: NotNegative = 0


class Goal(Frame):
    """What must be reached: the nearest feature of the vector `of`. At `half_h` hours of travel it is worth half of what it is worth next door."""

    of: Name
    half_h: Positive
    weight: Weight = 1


class Access(Frame):
    """Travel from a target `to` its goals: over the ground at `ground_km_h`, slower where it is steep, and along the vectors of `network`, by name.

    The ground is cells of about `step_m` inside the region; lines and goals may lie outside it.
    """

    step_m: Positive = 5000
    ground_km_h: Positive = 10
    network: dict[Name, Way] = {}
    to: Annotated[dict[Name, Goal], Field(min_length=1)]


class Merit(Frame):
    """What weighs how much where targets are ranked; what is not known of any target weighs nothing."""

    prospectivity: NotNegative = 0.5
    confidence: NotNegative = 0.2
    access: NotNegative = 0.2
    footprint: NotNegative = 0.1

    @model_validator(mode="after")
    def _weighs_something(self) -> Merit:
        if not self.prospectivity + self.confidence + self.footprint:
            raise ValueError("a merit needs a weight above 0 for prospectivity, confidence or footprint: access alone says nothing of ore")
        return self


class Observation(Frame):
    """Something that could be observed next, at a relative `cost`.

    It settles the value of `features`; with `maps`, the rock where it is inferred; with `visits`, what the ground is: as far as refits differ.
    """

    title: str
    cost: Positive
    features: tuple[Name, ...] = ()
    maps: bool = False
    visits: bool = False

    @model_validator(mode="after")
    def _settles_something(self) -> Observation:
        if not (self.features or self.maps or self.visits):
            raise ValueError("an observation settles something: name its `features:`, or say `maps: true` or `visits: true`")
        return self


class Targets(Frame):
    """Ranked ground: pieces of at least `min_area_km2` of the best `area_share` of cells, without the ground of `exclude`, outlines smoothed then.

    With `times_mean_density` instead: where deposits are held to be at least so many times as dense as in the mean of the map. Within
    `known_within_m` of a deposit the map learnt from it is known ground, which has no rank. `elevation` and `clear_looks` are layers a target is
    described by, `districts` polygons it is told to lie in.
    """

    area_share: Share = 0.05
    times_mean_density: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = None
    min_area_km2: Positive = 4
    known_within_m: NotNegative = 3000
    exclude: tuple[Exclude, ...] = ()
    flag: dict[Name, Flag] = {}
    access: Access | None = None
    merit: Merit = Merit()
    observations: dict[Name, Observation] = {}
    districts: Name | None = None
    elevation: Name | None = None
    clear_looks: Name | None = None


class Spread(Frame):
    """Amounts reached by 90, 50 and 10 % of deposits of a kind."""

    p90: Positive
    p50: Positive
    p10: Positive

    @model_validator(mode="after")
    def _rises(self) -> Spread:
        if not self.p90 <= self.p50 <= self.p10 or self.p90 == self.p10:
            raise ValueError(f"p90 {self.p90:g}, p50 {self.p50:g}, p10 {self.p10:g}: larger amounts are rarer, so expected p90 <= p50 <= p10, not all one")
        return self


class GradeTonnage(Frame):
    """How large and how rich deposits of a system are: log-normal ore `tonnage_mt` and `grade_percent` of a `metal`, and their correlation.

    Said in `source` on `page`. An `invented` one is stamped so wherever it is shown.
    """

    metal: str
    tonnage_mt: Spread
    grade_percent: Spread
    correlation: Annotated[float, Field(gt=-1, lt=1)] = 0
    source: str
    page: str
    invented: bool = False
