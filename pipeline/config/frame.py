"""The frame of the configuration: closed, frozen models. What a plug-in takes is added from its own signature."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.config.closed import Frame, Name, Positive, Share, Weight
from pipeline.config.targets import GradeTonnage, Targets
from pipeline.registry import Parameters


class Region(Frame):
    """The ground: name, grid and outline. `bounds` are metres of `crs`; without them the boundary's bounds are used."""

    name: Name
    title: str
    crs: str
    cell_m: Positive
    tile: Annotated[int, Field(ge=16, le=8192)] = 512
    boundary: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    system: Name | None = None
    data: Name | None = None

    @model_validator(mode="after")
    def _has_ground(self) -> Region:
        if self.boundary is None and self.bounds is None:
            raise ValueError("a region needs `boundary:` (a polygon file) or `bounds:` [xmin, ymin, xmax, ymax]")
        return self


class Rock(Frame):
    """What one map says of the rock a system needs: `classes` of the categorical layer `of` allow it, as far as `within_m` from them.

    `silent` are codes that say nothing of the rock, cover for example.
    """

    of: Name
    classes: tuple[int, ...]
    within_m: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    silent: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Rock:
        if both := sorted({*self.classes} & {*self.silent}):
            raise ValueError(f"class {both[0]} both allows the system and says nothing of the rock; keep it in one of `classes` and `silent`")
        return self


class System(Frame):
    """The mineral system sought: name and title for the outputs, and the references its evidence rests on.

    `permissive`: the rock without which it cannot be, by map, the one to believe first; the map is confined to it. `signs`: which
    way each evidence layer should count, 1 more is better, -1 less or nearer is better; a layer that is not named may count either way.
    `inputs`: features that others are made of and the model does not see. `suspect`: features or evidence layers that may have been mapped
    because of deposits (a geologist maps alteration where a mine is); the deciding protocol is scored without them too.
    `setting`: in words, the ground the system belongs to; `analogue_of`: regions of that setting, by name, each with the reason it
    is alike. Only a region declared here may teach another this system (`training.regions`). `words`: what a feature is called where it
    speaks for a target.
    """

    name: Name = "as_published"
    title: str = "Evidence as published, no recipe applied"
    references: tuple[str, ...] = ()
    permissive: tuple[Rock, ...] = ()
    signs: dict[Name, Literal[-1, 1]] = {}
    inputs: tuple[Name, ...] = ()
    suspect: tuple[Name, ...] = ()
    setting: str | None = None
    analogue_of: dict[Name, Annotated[str, Field(min_length=1)]] = {}
    words: dict[Name, Annotated[str, Field(min_length=1)]] = {}


class Use(Frame):
    """One plug-in in use: the word and its checked parameters."""

    use: str
    with_: Parameters

    def said(self) -> dict[str, Any]:
        """As config says it, defaults filled in: what keys and the resolved config hold."""
        return {"use": self.use, **self.with_.model_dump(mode="json")}


class Label(Frame):
    """Which occurrences are positives; `aliases` join names that mean one deposit, `refuse` drops records by name.

    `weights`: by column and word, how much a deposit counts where a model learns: {confidence: {high: 1, medium: 0.5}}; columns multiply,
    a word that is not named weighs 1, and scores stay unweighted. `jitter`: each bag of a model moves a deposit within its `uncertainty_m`.
    """

    occurrences: Name
    deposit_type: tuple[str, ...] = ()
    commodity: tuple[str, ...] = ()
    confidence: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    group_within_m: Positive = 10_000
    weights: dict[Name, dict[str, Weight]] = {}
    jitter: bool = False


class Background(Frame):
    """Background cells: how many per positive (at least `at_least` in all), and how far from any positive.

    `kind` is the ground a model learns from: `uniform` over the permissive ground; `target_group`, sites of other types; `biased`, drawn in
    proportion to the layer `bias`; `explored`, the drilled and barren ground of the table `explored`, uniform ground where that is less than
    `at_least` cells; `similarity`, uniform less the share `leave_out` of it (0.1 when not said) most like the deposits in evidence, judged
    inside each fold. Scores are against uniform background, whatever the kind.

    `evened`: deposits are known where people have mapped. On the ground of `applicability.measured` and off it the background then counts as much as
    the deposits known there do, inside each fold, so that a model does not learn where people have looked. Nothing where no layer says so, in what
    other regions teach, and for weights of evidence, which count ground. Scores still hold out known deposits, and the nulls are not evened: they
    may use where people looked.
    """

    evened: bool = True
    kind: Literal["uniform", "target_group", "biased", "explored", "similarity"] = "uniform"
    leave_out: Annotated[float, Field(gt=0, le=0.5)] | None = None
    bias: Name | None = None
    explored: Name | None = None
    per_positive: Annotated[int, Field(ge=1)] = 20
    at_least: Annotated[int, Field(ge=1)] = 2000
    exclude_m: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 3000

    @model_validator(mode="after")
    def _names_its_ground(self) -> Background:
        for kind, word, name in (("biased", "bias", self.bias), ("explored", "explored", self.explored)):
            if self.kind == kind and name is None:
                raise ValueError(f"background.kind {kind} needs `{word}:`, the name of what it is drawn from")
            if self.kind != kind and name is not None:
                raise ValueError(f"background.{word} is read by kind {kind} only, and kind is {self.kind}; drop one or change the other")
        if self.kind != "similarity" and self.leave_out is not None:
            raise ValueError(f"background.leave_out is read by kind similarity only, and kind is {self.kind}; drop one or change the other")
        return self

    @property
    def drawn(self) -> str:
        """The kind of the draw itself: what is left out of a uniform one is left out by each fit."""
        return "uniform" if self.kind == "similarity" else self.kind

    @property
    def left_out(self) -> float:
        """The share of the background no model learns from."""
        return (self.leave_out or 0.1) if self.kind == "similarity" else 0.0


class Split(Frame):
    """How cells are held out.

    `nearest`: as far from what teaches as the map's cells are from known deposits; `square_blocks` of `block_km`; `extent_blocks`, an nx by ny
    division of the extent; `clusters`, one cluster of deposits within `cluster_km` at a time; `leave_pair_out`, `pairs` of a deposit and a
    background cell; `random` (only to show the gap). Rows within `buffer_km` of what is held out do not teach.
    """

    kind: Literal["nearest", "square_blocks", "extent_blocks", "clusters", "leave_pair_out", "random"] = "nearest"
    folds: Annotated[int, Field(ge=2)] = 5
    block_km: Positive = 50
    nx: Annotated[int, Field(ge=1)] = 5
    ny: Annotated[int, Field(ge=1)] = 5
    cluster_km: Positive = 30
    pairs: Annotated[int, Field(ge=1)] = 100
    buffer_km: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0


class Protocol(Frame):
    """One way of scoring, whole: what is held out, how often, on which background, with which model (default: the map's).

    `groups: deposits` never splits a deposit group over blocks; `cells` treats each positive cell alone, as published protocols do.
    `hide`: layers taken from the held-out ground, as if nobody had mapped it: what is made of them is missing there, and `infill` learns again
    without it.
    """

    title: str
    split: Split = Split()
    groups: Literal["deposits", "cells"] = "deposits"
    seeds: Annotated[int, Field(ge=1)] = 5
    background: Background | None = None
    model: Use | None = None
    hide: tuple[Name, ...] = ()


class Training(Frame):
    """Other `regions`, by name, whose deposits a model learns from too: analogues of the system, with the same evidence layers.

    With `align: quantiles` their evidence is mapped to the distribution it has here, without a look at where deposits are: layers without a
    unit; those with one only if leaving out each teaching region in turn gains by it.
    """

    regions: Annotated[tuple[Name, ...], Field(max_length=7)] = ()
    align: Literal["none", "quantiles"] = "none"

    @field_validator("regions")
    @classmethod
    def _are_different(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in regions if regions.count(name) > 1}):
            raise ValueError(f"{twice[0]} is named twice; a region teaches once")
        return regions

    @model_validator(mode="after")
    def _aligns_something(self) -> Training:
        if self.align != "none" and not self.regions:
            raise ValueError("`align` is of the evidence of teaching regions, and `regions` names none; name some or drop it")
        return self


class Validation(Frame):
    """The protocols to score by; each is a file of configs/validation. The first one gives the verdict."""

    protocols: Annotated[tuple[Name, ...], Field(min_length=1)] = ("default",)


class Prior(Frame):
    """How many deposits an expert holds to be undiscovered in a tract, and where that was said.

    At least `n90`, `n50`, `n10` deposits with 90, 50 and 10 % confidence, of the grade and tonnage `model`, down to `depth_m`, in `tract`, a
    polygon source or the word permissive for all the ground the map is made on; said in `source` on `page`, at `date`. An `invented` one,
    as the sample's, is stamped so wherever it is shown.
    """

    n90: Annotated[int, Field(ge=0)]
    n50: Annotated[int, Field(ge=0)]
    n10: Annotated[int, Field(ge=1, le=10_000)]
    tract: Name
    model: str
    depth_m: Positive
    source: str
    page: str
    date: str
    invented: bool = False

    @model_validator(mode="after")
    def _rises(self) -> Prior:
        if not self.n90 <= self.n50 <= self.n10:
            raise ValueError(f"n90 {self.n90}, n50 {self.n50}, n10 {self.n10}: more deposits are held less likely, so expected n90 <= n50 <= n10")
        return self


class Map(Frame):
    """How the map is cut into classes 1 to 5: upper bounds of classes 1 to 4 as shares of the area, and the least share of
    evidence a cell needs to be scored."""

    class_shares: tuple[Share, Share, Share, Share] = (0.5, 0.8, 0.95, 0.99)
    least_evidence: Annotated[float, Field(ge=0, le=1)] = 0.5

    @field_validator("class_shares")
    @classmethod
    def _rises(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if any(a >= b for a, b in itertools.pairwise(shares)):
            raise ValueError("expected shares that rise, such as [0.5, 0.8, 0.95, 0.99]")
        return shares


class Cover(Frame):
    """What hides the rock: `classes` of the categorical layer `of` multiply applicability, not prospectivity, by `factor`.

    Of several maps the one to believe first stands first; the others are asked where it has no value.
    """

    of: Name
    classes: Annotated[tuple[int, ...], Field(min_length=1)]
    factor: Annotated[float, Field(ge=0, le=1)] = 0.5


class Applicability(Frame):
    """Where the map may be believed. Ground within `explored_km` of any occurrence, of whatever type, was looked at: its background
    and the positives are what other ground is compared with. `measured`: the categorical layer, such as detailed geology, that has a
    value where the evidence was mapped; elsewhere it is inferred from coarser maps.
    """

    explored_km: Positive = 10
    cover: tuple[Cover, ...] = ()
    measured: Name | None = None


class Publish(Frame):
    """What is shown beside the map. `evidence`: the layers copied into the bundle; without it the `at_most` features the map rests on most.

    `relief`: the layer of elevations shaded under the maps. A layer is copied only where every source it is made of states a licence and
    none says `redistribute: false`, and while all copies hold no more than `evidence_mb` before they are packed.
    """

    evidence: tuple[Name, ...] | None = None
    at_most: Annotated[int, Field(ge=0, le=50)] = 6
    evidence_mb: Positive = 2000
    relief: Name | None = None


class Update(Frame):
    """When a model that updates leave as it was fitted is too old, and says so: when the share of the map's ground on which it may be believed has changed by
    more than `drift_limit`, or when of all known deposits more than the share `unlearnt_limit` came since."""

    drift_limit: Share = 0.05
    unlearnt_limit: Share = 0.1


class Run(Frame):
    """How and where to run; none of it changes an answer, and none of it is written to the bundle.

    `workers` are processes of this machine; with 0 of them this process does the work, `threads` tiles at once: less memory and a quicker start, since
    libraries and models are held once. `cache` holds the store: a folder, or `s3://bucket/name` of any object store that speaks S3; downloads and
    aligned tables then lie in the folder `scratch`, each machine's own. `offline`: no host is asked, and what is not on the shelf is named, all of it,
    before anything runs. `keep_previous`: how many of the maps that updates replaced are kept beside the one that is out; the oldest go first.
    """

    workers: Annotated[int, Field(ge=0)] = 2
    threads: Annotated[int, Field(ge=1)] = 1
    in_flight: Annotated[int, Field(ge=1)] = 2
    memory_gb: Positive = 3
    scheduler: str | None = None
    cache: str = "cache"
    scratch: str = "cache"
    outputs: str = "outputs"
    offline: bool = False
    keep_previous: Annotated[int, Field(ge=0)] = 12

    @model_validator(mode="after")
    def _threads_are_of_this_process(self) -> Run:
        if self.threads > 1 and (self.workers or self.scheduler):
            raise ValueError(f"`threads: {self.threads}` is of this process, and the work is given to workers; say `workers: 0` or drop one of them")
        return self


class Config(Frame):
    """Everything a run may know, resolved. `absent`: sources these data lack, each with the reason; what reads them is left out, unless a file gives
    a source of that name. `priors` and `grade_tonnage` are by the name of the system: a number of one kind of deposit says nothing of another."""

    region: Region
    system: System = System()
    sources: dict[Name, Use]
    absent: dict[Name, Annotated[str, Field(min_length=1)]] = {}
    features: dict[Name, Use]
    label: Label
    background: Background = Background()
    model: Use
    training: Training = Training()
    validation: Validation = Validation()
    protocols: dict[Name, Protocol] = {}
    priors: dict[Name, Prior] = {}
    grade_tonnage: dict[Name, GradeTonnage] = {}
    map: Map = Map()
    targets: Targets = Targets()
    applicability: Applicability = Applicability()
    publish: Publish = Publish()
    update: Update = Update()
    seed: int = 1
    run: Run = Run()

    @field_validator("seed")
    @classmethod
    def _is_a_seed(cls, seed: int) -> int:
        if not 0 <= seed < 2**32:
            raise ValueError("expected a whole number from 0 to 4294967295, what scikit-learn takes")
        return seed
