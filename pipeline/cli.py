"""The command line: one command per verb. Nothing is computed here; heavy imports wait until a command needs them."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from pipeline.errors import ConfigError, ProspectError

if TYPE_CHECKING:
    from pipeline.planning import Plan

ALLOCATIONS = 100_000  # between two looks for garbage: Python's 700 cost half a second of importing alone
MODELLED = ("prospectivity", "uncertainty")  # layers for which a model is fitted, and nothing else that learns
INTERRUPTED = 130  # what shells expect of a program stopped by Ctrl-C


class _Door(TyperGroup):
    """A user's mistake is one red line and exit code 2; a fault of ours keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ProspectError as error:
            _say_error(f"error: {' '.join(str(error).split())}")
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt:
            _say_error("stopped: nothing is lost, the same command goes on from here")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Door, name="prospect", no_args_is_help=True, pretty_exceptions_enable=False,
    help="From public data to an honest mineral prospectivity map, one command, any size of region.",
)  # fmt: skip

downloads = typer.Typer(no_args_is_help=True, help="What was fetched from the web, shared by all regions.")
app.add_typer(downloads, name="cache")
region_app = typer.Typer(no_args_is_help=True, help="A region of your own.")
app.add_typer(region_app, name="region")

Region = Annotated[str, typer.Argument(help="A region of configs/regions.", show_default=False)]
OfRegion = Annotated[str, typer.Option("--region", "-r", help="The region whose layer is meant.", show_default=False)]
System = Annotated[str | None, typer.Option(help="A mineral system of configs/systems, or `all` to map each in turn; default: the region's own.")]
Data = Annotated[str | None, typer.Option(help="Where the data come from, of configs/data; default: the region's own.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, e.g. region.cell_m=500.")]
Workers = Annotated[int | None, typer.Option(min=0, help="Worker processes on this machine; 0 works in this one.")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler to work on, e.g. tcp://host:8786.")]
Tile = Annotated[int | None, typer.Option(help="Side of a tile, in cells.")]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no host; say at once all that was not fetched before.")]
Layer = Annotated[str, typer.Argument(help="A layer of the cube, or prospectivity, uncertainty, classes.", show_default=False)]
Cache = Annotated[str, typer.Option(metavar="FOLDER", help="The cache folder, as run.cache says it.")]
Word = Annotated[str | None, typer.Argument(help="One of them, for its whole text.", show_default=False)]


@app.command("map")
def map_(
    region: Region,
    system: System = None,
    data: Data = None,
    set_: Set = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    tile: Tile = None,
    offline: Offline = False,
    profile: Annotated[bool, typer.Option("--profile", help="Write Dask's performance report, NAME.profile.html; of --only, NAME.LAYER.profile.json.")] = False,
    only: Annotated[str | None, typer.Option(metavar="LAYER", help="Make this one layer and what it rests on, NAME.LAYER.tif: a draft, not validated.")] = None,
) -> None:
    """Make the map of a region, or only what changed since it was last made."""
    if only is not None:
        _draft(lambda: _planned(region, system, data, set_, workers, scheduler, tile, offline), only, system, profile=profile)
        return
    from pipeline import flow
    from pipeline.screen import bars, endings, systems

    if system == systems.ALL:
        failed = systems.map_all(
            lambda name: _planned(region, name, data, set_, workers, scheduler, tile, offline), profile=profile, say=_say
        )
        for name, error in failed.items():
            _say_error(f"error: {name}: {error}")
        raise typer.Exit(2 if failed else 0)
    made = _planned(region, system, data, set_, workers, scheduler, tile, offline)
    with bars.watching() as progress:
        outcome = flow.run(made, progress, profile=profile, say=_say)
    endings.tell(made, outcome)


@app.command()
def update(
    region: Region,
    system: System = None,
    data: Data = None,
    set_: Set = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    offline: Offline = False,
    refit: Annotated[bool, typer.Option("--refit", help="Fit everything again, as `map` does, and say first what that costs.")] = False,
    watch: Annotated[float | None, typer.Option(metavar="HOURS", min=1, help="Ask again every so many hours, until Ctrl-C.")] = None,
) -> None:
    """Ask the sources what is new and map that alone, by the model as it was fitted; say which targets that changed, and why."""
    from pipeline.screen import updates

    updates.keep_up(lambda: _planned(region, system, data, set_, workers, scheduler, None, offline, keeping="fits" if not refit else None), refit=refit, hours=watch)


@app.command()
def plan(
    region: Region,
    system: System = None,
    data: Data = None,
    set_: Set = None,
    workers: Workers = None,
    tile: Tile = None,
    offline: Offline = False,
) -> None:
    """Say what `map` would do, why, and what it costs, without doing it."""
    from pipeline.screen import plans

    plans.show(_planned(region, system, data, set_, workers, None, tile, offline))


@app.command()
def doctor(
    region: Annotated[str | None, typer.Argument(help="A region of configs/regions, to hear of its job too.", show_default=False)] = None,
    system: System = None,
    data: Data = None,
    set_: Set = None,
    workers: Workers = None,
    tile: Tile = None,
    offline: Offline = False,
) -> None:
    """Say what this machine has, what a job asks of it, how long it will take, and what will not fit."""
    from pipeline.screen import doctor as screen

    fits = screen.show((lambda: _planned(region, system, data, set_, workers, None, tile, offline)) if region else None)
    raise typer.Exit(0 if fits else 1)


@app.command()
def regions() -> None:
    """List the regions, mineral systems, data and protocols there are."""
    from pipeline.screen import overlays

    overlays.show()


@region_app.command("new")
def region_new(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and _.", show_default=False)],
    boundary: Annotated[Path | None, typer.Option(help="A file of its polygons.", show_default=False)] = None,
    country: Annotated[str | None, typer.Option(metavar="ISO", help="Its country, as PAK or IRN; alone, the outline is the country's.")] = None,
    province: Annotated[str | None, typer.Option(help="A province of the country, whose outline geoBoundaries gives.")] = None,
    title: Annotated[str | None, typer.Option(help="What outputs call it.")] = None,
    system: Annotated[str, typer.Option(help="The mineral system it is mapped for unless another is named.")] = "porphyry_copper",
    data: Annotated[str, typer.Option(help="Where its data come from unless others are named.")] = "live",
    cell_m: Annotated[float | None, typer.Option("--cell-m", help="Side of a cell; default: the finest usual one of at most 4 million cells.")] = None,
    licence: Annotated[str | None, typer.Option(help="The licence of the boundary file, to be noted.")] = None,
    layer: Annotated[str | None, typer.Option(help="The layer of the boundary file that is meant.")] = None,
    service: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Another geoBoundaries service than the public one.", hidden=True)] = None,
) -> None:
    """Write a new region's file from a boundary, or from the name of a province: configs/regions/NAME.yaml."""
    from pipeline.screen import newcomers

    newcomers.add(name, boundary, country, province, title=title, system=system, data=data, cell_m=cell_m, licence=licence, layer=layer, service=service)


@app.command()
def features(name: Word = None) -> None:
    """List the features, or tell all about one."""
    from pipeline.screen import plugins

    plugins.show("features", name)


@app.command()
def sources(name: Word = None) -> None:
    """List the kinds of source, or tell all about one."""
    from pipeline.screen import plugins

    plugins.show("sources", name)


@app.command()
def models(name: Word = None) -> None:
    """List the models, or tell all about one."""
    from pipeline.screen import plugins

    plugins.show("models", name)


@app.command()
def show(layer: Layer, region: OfRegion, system: System = None, data: Data = None, set_: Set = None) -> None:
    """Look at a layer: statistics, source, whether it is up to date, and a sketch."""
    from pipeline.screen import quicklook

    quicklook.show(_planned(region, system, data, set_, keeping="out"), layer)


@app.command()
def compare(
    one: Annotated[str, typer.Argument(help="A map of the outputs folder, such as balochistan.", show_default=False)],
    other: Annotated[str, typer.Argument(help="Another one.", show_default=False)],
    outputs: Annotated[Path | None, typer.Option(help="The folder of maps; default: outputs/.")] = None,
) -> None:
    """Put two maps beside each other: their scores with nulls and intervals, and how many of their first targets they share."""
    from pipeline.config import home
    from pipeline.screen import comparison

    comparison.show(outputs or home() / "outputs", one, other)


@app.command()
def export(
    layer: Layer,
    region: OfRegion,
    to: Annotated[Path | None, typer.Option(help="The GeoTIFF to write; default: LAYER.tif here.")] = None,
    system: System = None,
    data: Data = None,
    set_: Set = None,
) -> None:
    """Write a layer as a cloud-optimised GeoTIFF."""
    from pipeline.screen import quicklook

    quicklook.export(_planned(region, system, data, set_, keeping="out"), layer, to)


@app.command()
def licences(region: Region, system: System = None, data: Data = None, set_: Set = None) -> None:
    """Say what the map of a region may be used for, and the text it must carry, by the licences of its sources."""
    from pipeline.config import load
    from pipeline.screen import licences as screen

    screen.show(load(region, system=system, data=data, settings=tuple(set_ or ())))


@downloads.command("list")
def list_(cache: Cache = "cache") -> None:
    """List what was fetched: from where, when, how much."""
    from pipeline.screen import cache as screen

    screen.show(cache)


@downloads.command()
def verify(cache: Cache = "cache") -> None:
    """Hold all that was fetched against its checksums; what is damaged is taken off, and fetched again when next needed."""
    from pipeline.screen import cache as screen

    raise typer.Exit(0 if screen.verify(cache) else 1)


@downloads.command()
def prune(
    cache: Cache = "cache",
    unused_days: Annotated[float | None, typer.Option(min=0, help="Also what no run asked for in so many days.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
) -> None:
    """Clear away superseded versions and pieces nobody is at work on; while no map is being made."""
    from pipeline.screen import cache as screen

    screen.prune(cache, unused_days, all_)


@app.command()
def report(
    region: Region,
    system: System = None,
    data: Data = None,
    set_: Set = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it to PDF too, with the Chromium, Chrome or Edge that is there.")] = False,
    to: Annotated[Path | None, typer.Option(help="The PDF to write; default: report.pdf beside report.html.")] = None,
) -> None:
    """Say where the report of a map is, made again if it is missing or old; print it to PDF."""
    from pipeline.screen import reports

    reports.show(_planned(region, system, data, set_, keeping="out"), pdf=pdf or to is not None, to=to)


@app.command()
def serve(
    region: Annotated[str | None, typer.Argument(help="A folder of the outputs whose report to open; default: the list of all.")] = None,
    outputs: Annotated[Path, typer.Option(help="The folder to serve.")] = Path("outputs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 is any that is free.")] = 0,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,
) -> None:
    """Serve the maps to this machine alone, for a browser and for QGIS over HTTP; Ctrl-C ends it."""
    from pipeline.screen import reports

    reports.serve(outputs, region, port=port, open_=open_)


@app.command()
def version() -> None:
    """Print the version."""
    from pipeline import __version__

    typer.echo(f"prospect {__version__}")


def main() -> None:
    """The entry point of `prospect`."""
    gc.set_threshold(ALLOCATIONS, 50, 50)
    try:
        app(prog_name="prospect")
    finally:
        gc.freeze()  # the end looks through all that is left for garbage, more than half a second of it, and then drops it anyway


def _draft(planned: Callable[[], Plan], layer: str, system: str | None, *, profile: bool) -> None:
    from pipeline import aside

    try:
        if layer in MODELLED:
            aside.ahead("pipeline.stages.train:learned")  # it imports what grows a forest while this process imports the rest and makes the plan
        from pipeline.screen import quicklook, systems

        if system == systems.ALL:
            raise ConfigError("--only makes a layer of one mineral system; name it with --system, or leave --system out")
        quicklook.only(planned(), layer, say=_say, profile=profile)
    finally:
        aside.dismiss()


def _planned(
    region: str,
    system: str | None,
    data: str | None,
    said: list[str] | None,
    workers: int | None = None,
    scheduler: str | None = None,
    tile: int | None = None,
    offline: bool = False,
    keeping: Literal["fits", "out"] | None = None,
) -> Plan:
    """The plan of a map: of an update, which keeps every fit, or of what is `out`, whether that is an update or not."""
    from pipeline import planning, updating
    from pipeline.config import load
    from pipeline.screen import bars

    options = {"run.workers": workers, "run.scheduler": scheduler, "region.tile": tile, "run.offline": offline or None}
    settings = (*(said or ()), *(f"{key}={json.dumps(value)}" for key, value in options.items() if value is not None))
    with bars.spinner("reading config, headers and tables"):
        loaded = load(region, system=system, data=data, settings=settings)
        return planning.plan(loaded, system_named=system is not None, keeping=updating.Kept(when_out=keeping == "out") if keeping else None)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _say_error(text: str) -> None:
    from rich.console import Console

    Console(stderr=True).print(text, style="red", markup=False, highlight=False, soft_wrap=True)
