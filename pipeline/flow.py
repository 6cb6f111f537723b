"""Flow: the one shell that runs every layer and fit. It knows nothing of geology; it knows what depends on what.

A *job* is one tile of a node, or the last step of a fit (tile None). A job is ready when every job it depends on has ended:
for each layer it reads the tiles its halo touches, for each fit the fit's last step. A fit that says where another asks adds those
jobs when it ends. Ready jobs, and with them what they make ready (see `together`), go to the workers pass by pass over the grid (see `ready`),
a bounded number at a time, so memory is flat whatever the region. The ledger is written only here: stale tiles are taken out before the first of
them is rewritten, finished ones are added every few seconds and at the end.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipeline import cluster, frozen, lending, tasks, teachers
from pipeline.errors import ProspectError, ResourceError, StoreError
from pipeline.grid import Index
from pipeline.ledger import Ledger, Lock
from pipeline.node import Call, FitNode, LayerNode, Node, Where
from pipeline.planning import Plan, tile_name
from pipeline.ready import Job, Ready, passes
from pipeline.stages import publish, train
from pipeline.stages.news import News
from pipeline.together import together

SAVE_SECONDS = 5.0  # a crash loses at most this much finished work
TRIES = 3  # reading over a network fails now and then; a mistake fails every time
CUTS = 20  # a job lost with the connection this often is lost for another reason


class Progress(Protocol):
    """What the shell tells whoever watches."""

    def start(self, totals: dict[str, int]) -> None:
        """Jobs to do, by stage."""

    def advance(self, stage: str) -> None:
        """One job of a stage is done."""


@dataclass(frozen=True)
class _Of:
    """What is told of another region's stages, by its name."""

    region: str
    progress: Progress

    def start(self, totals: dict[str, int]) -> None:
        self.progress.start({f"{self.region}: {stage}": total for stage, total in totals.items()})

    def advance(self, stage: str) -> None:
        self.progress.advance(f"{self.region}: {stage}")


@dataclass(frozen=True)
class Made:
    """What `make` made: the artefacts of the fits asked for, by name, and what it took, as `_Shell.spent` says it, and of the regions it learns from."""

    fits: dict[str, Any]
    spent: dict[str, Any]


@dataclass
class Outcome:
    """What a run did: jobs done by stage, seconds by stage, where the bundle is, and whether it is new."""

    outputs: Path
    published: bool
    jobs: dict[str, int]
    seconds: dict[str, float]
    notices: list[str]
    profile: Path | None = None


def run(
    plan: Plan, progress: Progress | None = None, *, profile: bool = False, say: Callable[[str], None] | None = None, news: News | None = None
) -> Outcome:
    """Make what the plan says is stale, then the bundle. Killed at any moment and run again, the answer is the same.

    `profile` writes Dask's performance report beside the bundle, unless nothing is stale; `say` is told the address of Dask's dashboard. `news`: what is
    new since the map that is out, which is then kept.
    """
    begun = time.monotonic()
    _refuse_foreign(plan.outputs)
    if plan.waiting_for:
        with Lock(plan.outputs.with_name(f".{plan.outputs.name}.bundle")):
            publish.check_writable(plan.outputs)
            for region, other in plan.waiting_for.items():  # before the own store is held: its lesson is taken into it
                make(other, (teachers.lesson(other.graph),), progress and _Of(region, progress))
    report = plan.outputs.with_name(f"{plan.outputs.name}.profile.html") if profile else None
    # the grids of one region have a cube each and one folder of outputs: that is held too
    with Lock(plan.outputs.with_name(f".{plan.outputs.name}.bundle")), Lock(plan.cube.path) as held:
        publish.check_writable(plan.outputs)
        plan.refresh()  # another run may have ended between planning and now
        shell = _Shell(plan, Ledger.of(plan.cube.path), held, progress)
        shell.wire()
        current = publish.is_current(plan.outputs, plan.bundle_key)
        shell.announce(0 if current else publish.steps())
        if plan.stale or not current:
            shell.take_out_stale()  # and say anew what each layer is: a licence may change where no value does
        made = shell.make_stale(report, say)
        written = publish.publish(
            plan.graph, plan.cube, plan.outputs, key=plan.bundle_key, keys=plan.keys, fit_keys=plan.fit_keys,
            told=lambda: shell.tell(publish.STAGE),
            run=shell.spent() | {"total_seconds": round(time.monotonic() - begun, 3)}, before=plan.seconds, news=news,
        )  # fmt: skip
        frozen.record(plan)
    return Outcome(plan.outputs, written, dict(shell.done), shell.seconds, plan.notices, report if made else None)


def make(plan: Plan, wanted: tuple[str, ...], progress: Progress | None = None, *, say: Callable[[str], None] | None = None) -> Made:
    """Some layers and fits by name, made with all they rest on and no more; nothing is published."""
    begun = time.monotonic()
    plan.only(wanted)
    for region, other in plan.waiting_for.items():
        make(other, (teachers.lesson(other.graph),), progress and _Of(region, progress))
    others = round(time.monotonic() - begun, 3) if plan.waiting_for else 0.0
    with Lock(plan.cube.path) as held:
        plan.refresh()
        plan.only(wanted)
        shell = _Shell(plan, Ledger.of(plan.cube.path), held, progress)
        shell.wire()
        shell.announce(0)
        if plan.stale:
            shell.take_out_stale()
        shell.make_stale(say=say)
    return Made({name: plan.cube.load_fit(name, plan.fit_keys[name]) for name in wanted if name in plan.fit_keys}, shell.spent() | {"others_seconds": others})


@dataclass
class _Shell:
    plan: Plan
    ledger: Ledger
    held: Lock
    progress: Progress | None
    done: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cells: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    at_once: int = 0  # the most there was room for; then seconds from the first job handed out to the end of the last: by the clock, and of all workers
    working: float = 0.0
    worker_seconds: float = 0.0
    waits: dict[Job, int] = field(default_factory=dict)
    unblocks: dict[Job, list[Job]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[int, dict[Index, Any]] = field(default_factory=lambda: defaultdict(dict))
    left: dict[int, int] = field(default_factory=dict)
    maker: dict[str, int] = field(default_factory=dict)
    fits: dict[str, int] = field(default_factory=dict)
    paces: dict[int, float] = field(default_factory=dict)
    warming: threading.Thread | None = None  # imports what this process will want of libraries to learn
    warms_after: str = ""  # the fit after which it does

    def take_out_stale(self) -> None:
        """No key of a tile that will be rewritten survives to the first rewrite; nor any of a layer whose array is gone, asked for now or not."""
        metas = [meta for node in self.plan.nodes if isinstance(node, LayerNode) for meta in node.outputs]
        for meta in metas:
            if not self.plan.cube.has(meta):
                self.ledger.forget(meta.name, list(self.ledger.keys(meta.name)))
        for node in self.plan.nodes:
            if isinstance(node, LayerNode) and (stale := self.plan.stale.get(node.name)):
                for meta in node.outputs:
                    self.ledger.forget(meta.name, list(map(tile_name, stale)))
        self.plan.cube.prepare(metas)

    def make_stale(self, report: Path | None = None, say: Callable[[str], None] | None = None) -> bool:
        """Make what is stale, on the workers that config asks for; whether there was anything."""
        if not self.plan.stale:
            return False
        config = self.plan.loaded.config.run
        with cluster.pool(workers=config.workers, in_flight=config.in_flight, scheduler=config.scheduler, threads=config.threads, profile=report) as pool:
            if pool.link and say:
                say(f"dashboard: {pool.link}")
            if config.scheduler:
                stale = [node for node in self.plan.nodes if node.name in self.plan.stale]
                lending.lend(self.plan.cube, (call for node in stale for call in node.calls))
                # its workers may be at a tile of a run that died: from now on they refuse, but for what they are writing now
                pool.everywhere(tasks.settled)
            elif not config.workers and train.STAGE in (stages := {node.stage for node in self.plan.nodes if node.name in self.plan.stale}):
                alone = stages <= train.ALONE and pool.take_aside()
                self.warming = threading.Thread(target=train.walked if alone else train.warmed, daemon=True)
                self.warms_after = f"{self.plan.graph.prefix}/{'table' if alone else 'samples'}"
                if self.warms_after not in self.plan.stale:
                    self.warming.start()
            try:
                self.work(pool)
            finally:
                if self.warming and self.warming.is_alive():
                    self.warming.join()  # what is still importing as the process ends may crash it
        return True

    def work(self, pool: cluster.Pool) -> None:
        """The loop: as many ready jobs as there is room for, then whatever ends first; StoreError when the store was lost to another run."""
        ready = Ready((job for job, count in self.waits.items() if count == 0), self._passes())
        running: dict[Future[Any], tuple[list[Job], int, str]] = {}
        cuts: Counter[Job] = Counter()
        begun = saved = counted = time.monotonic()
        try:
            while ready or running:
                lanes = pool.lanes
                self.at_once = max(self.at_once, pool.at_once)
                self._ask_again(pool, running, lanes)
                busy = Counter(lane for _, _, lane in running.values())
                while ready and (roomy := [lane for lane, at_once in lanes.items() if busy[lane] < at_once]):
                    lane = min(roomy, key=busy.__getitem__)
                    jobs = self._next(ready, lane, lanes)
                    running[self._submit(pool, jobs, lane)] = (jobs, 1, lane)
                    busy[lane] += 1
                for future in pool.first(set(running)):
                    jobs, tries, _ = running.pop(future)
                    error = _error(future)
                    if error is not None:
                        tries = self._tries(pool, cuts, jobs, tries, error)
                        running[self._submit(pool, jobs)] = (jobs, tries, "")  # of anyone: it may be that worker's fault, and who is there after a cut is not known
                        continue
                    answers = future.result() if len(jobs) > 1 else [future.result()]
                    for freed in self._finish_all(jobs, answers):
                        ready.add(freed)
                    if rest := jobs[len(answers) :]:  # the first of these failed; asked for again, it tells why
                        running[self._submit(pool, rest)] = (rest, 1, "")
                now = time.monotonic()
                self.worker_seconds, counted = self.worker_seconds + pool.at_once * (now - counted), now
                if now - saved > SAVE_SECONDS:
                    self.held.check()
                    self.ledger.save()
                    saved = time.monotonic()
        finally:
            self.working = time.monotonic() - begun
            for future in running:
                future.cancel()
            if self.held.ours():  # else the ledger is another run's, and what ours remembers of it is old
                self.ledger.save()

    def _tries(self, pool: cluster.Pool, cuts: Counter[Job], jobs: list[Job], tries: int, error: BaseException) -> int:
        """How often jobs that ended with an error will have been tried when they are once more, or else that error. Of jobs handed over together it is the
        first's, unless they were cut off or their worker died: what those before it answered is known."""
        if cluster.is_cut(error) and cuts[jobs[0]] < CUTS:
            pool.mend()
            cuts[jobs[0]] += 1
            return tries
        if isinstance(error, OSError) and tries < TRIES:
            return tries + 1
        raise _told(error, self.plan.nodes[jobs[0][0]], others=len(jobs) - 1)

    def spent(self) -> dict[str, Any]:
        """Jobs, seconds in workers, cells and bytes by stage; seconds from the first job to the last, by the clock and of all workers, and for how many
        jobs at once there was room: what `provenance.json` says of a run."""
        rounded = {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}
        by_stage = {"jobs": dict(self.done), "seconds": rounded, "cells": dict(self.cells), "bytes": dict(self.bytes)}
        return by_stage | {"working_seconds": round(self.working, 3), "worker_seconds": round(self.worker_seconds, 3), "at_once": self.at_once}

    def announce(self, publishing: int) -> None:
        """Tell whoever watches how much there is to do."""
        totals: dict[str, int] = defaultdict(int)
        for job in self.waits:
            if not self._late(job):
                totals[self.plan.nodes[job[0]].stage] += 1
        if self.progress:
            self.progress.start(dict(totals) | ({publish.STAGE: publishing} if publishing else {}))

    def tell(self, stage: str) -> None:
        """One more of a stage is done."""
        if self.progress:
            self.progress.advance(stage)

    def wire(self) -> None:
        """Which job waits for how many others, and which others wait for it."""
        plan = self.plan
        self.maker = {meta.name: i for i, node in enumerate(plan.nodes) if isinstance(node, LayerNode) for meta in node.outputs}
        self.fits = {node.name: i for i, node in enumerate(plan.nodes) if isinstance(node, FitNode)}
        for i, node in enumerate(plan.nodes):
            if node.name not in plan.stale:
                continue
            if isinstance(node, LayerNode) or node.gather:
                tiles = plan.gathers[node.name] if isinstance(node, FitNode) else plan.stale[node.name]
                for tile in tiles:
                    self._after((i, tile), self._before(_tile_call(node), tile))
                self.left[i] = len(tiles)
            if isinstance(node, FitNode):
                told = [node.tiles.fit] if isinstance(node.tiles, Where) else []
                before: list[Job] = [(self.fits[f], None) for f in dict.fromkeys([*node.call.read_fits(), *told])]
                self._after((i, None), [*(job for job in before if job in self.waits), *((i, tile) for tile in plan.gathers.get(node.name, ()))])

    def _passes(self) -> list[int]:
        """The pass over the grid in which each node is made; what is there already waits for nothing."""
        reads: list[list[int]] = [[] for _ in self.plan.nodes]
        for i, node in enumerate(self.plan.nodes):
            if node.name in self.plan.stale:
                for call in node.calls:
                    reads[i] += [self.maker[layer] for layer in call.read_layers()] + [self.fits[fit] for fit in call.read_fits()]
        return passes(reads, {i for name, i in self.fits.items() if name in self.plan.stale})

    def _before(self, call: Call, tile: Index) -> list[Job]:
        """The jobs a call on a tile waits for that have not ended."""
        near = self.plan.grid.near(tile, call.halo(self.plan.grid.cell_m))
        makers = dict.fromkeys(self.maker[layer] for layer in call.read_layers())
        jobs: list[Job] = [*((m, t) for m in makers for t in near), *((self.fits[f], None) for f in call.read_fits())]
        return [job for job in jobs if job in self.waits]

    def _where_told(self, index: int) -> list[Job]:
        """Add the jobs of the fits that ask where fit `index`, just made, says; those of them that wait for nothing."""
        found: list[Job] = []
        for i, node in enumerate(self.plan.nodes):
            if not isinstance(node.tiles, Where) or self.fits[node.tiles.fit] != index or (i, None) not in self.waits:
                continue
            tiles = self.plan.gathers[node.name] = self.plan.asked(node) or []
            for tile in tiles:
                self._after((i, tile), self._before(_tile_call(node), tile))
                self.unblocks[i, tile].append((i, None))
            self.waits[i, None] += len(tiles)
            self.left[i] = len(tiles)
            found += [(i, tile) for tile in tiles if self.waits[i, tile] == 0]
        return found

    def _late(self, job: Job) -> bool:
        """Whether a job may come to be known only while the others run: such jobs are not told of."""
        return job[1] is not None and isinstance(self.plan.nodes[job[0]].tiles, Where)

    def _after(self, job: Job, before: list[Job]) -> None:
        self.waits[job] = len(before)
        for earlier in before:
            self.unblocks[earlier].append(job)

    def _next(self, ready: Ready, lane: str, lanes: Mapping[str, int]) -> list[Job]:
        """The next jobs for a worker, as `together` has it."""
        return together(ready, lane, lanes, waits=self.waits, unblocks=self.unblocks, paces=self.paces, left=self.left)

    def _ask_again(self, pool: cluster.Pool, running: dict[Future[Any], tuple[list[Job], int, str]], lanes: Mapping[str, int]) -> None:
        """Ask anyone for the jobs of workers that are gone: Dask gives them to others of itself, but not where there was no other at that moment."""
        for future, (jobs, tries, lane) in list(running.items()):
            if lane and lane not in lanes and not future.done():
                del running[future]
                future.cancel()
                running[self._submit(pool, jobs)] = (jobs, tries, "")

    def _submit(self, pool: cluster.Pool, jobs: list[Job], lane: str = "") -> Future[Any]:
        calls = [self._call(job) for job in jobs]
        if self.plan.nodes[jobs[0][0]].stage == train.STAGE:
            return pool.submit_aside(*calls[0], lane=lane)
        return pool.submit(*calls[0], lane=lane) if len(calls) == 1 else pool.submit(tasks.write_tiles, calls, lane=lane)

    def _call(self, job: Job) -> tuple[Any, ...]:
        """What a worker is to call for a job, and with what."""
        index, tile = job
        node, plan = self.plan.nodes[index], self.plan
        call = node.call if tile is None else _tile_call(node).near(plan.grid.window(tile).bounds)
        outputs = node.outputs if isinstance(node, LayerNode) else ()
        task = tasks.Task(plan.cube, node.name, call, tile, {f: plan.fit_keys[f] for f in call.read_fits()}, outputs, self.held.token)
        if isinstance(node, LayerNode):
            return tasks.write_tile, task
        if tile is not None:
            return tasks.gather_tile, task
        return tasks.save_fit, task, plan.fit_keys[node.name], self._parts(index), plan.part_keys.get(node.name)

    def _parts(self, index: int) -> dict[str, Any] | None:
        """What the tiles gave to a fit, in grid order: just now, or in an earlier run."""
        node, fresh = self.plan.nodes[index], self.parts[index]
        if not isinstance(node, FitNode) or not node.gather:
            return None
        tiles = self.plan.asked(node) or []
        held = self.plan.cube.load_parts(node.name) if len(fresh) < len(tiles) else {}
        return {tile_name(tile): fresh[tile] if tile in fresh else held[tile_name(tile)] for tile in tiles}

    def _finish_all(self, jobs: list[Job], answers: list[Any]) -> list[Job]:
        """Take in what the first of jobs that were handed over together answered; the jobs that are ready now and were not handed over with them."""
        freed = [later for job, answer in zip(jobs, answers, strict=False) for later in self._finish(job, answer)]
        return [job for job in freed if job not in jobs]

    def _finish(self, job: Job, answer: Any) -> list[Job]:
        index, tile = job
        node = self.plan.nodes[index]
        answer, effort = (None, answer) if isinstance(answer, tasks.Effort) else answer
        self.seconds[node.stage] += effort.seconds
        self.cells[node.stage] += effort.cells
        self.bytes[node.stage] += effort.bytes
        if tile is not None:
            self.paces[index] = max(effort.seconds, self.paces.get(index, 0.0) / 2)  # a tile off the region takes no time: it says little of the next
        if isinstance(node, LayerNode):
            for meta in node.outputs:
                self.ledger.record(meta.name, tile_name(tile or (0, 0)), self.plan.keys[meta.name][tile_name(tile or (0, 0))])
        elif tile is not None:
            self.parts[index][tile] = answer
        else:
            self.parts.pop(index, None)
        if tile is not None:
            self.left[index] -= 1
        if tile is None or (isinstance(node, LayerNode) and self.left[index] == 0):
            self.ledger.note_made(node.name, self.plan.parts[node.name])
        self.done[node.stage] += 1
        if not self._late(job):
            self.tell(node.stage)
        del self.waits[job]
        if self.warming and node.name == self.warms_after and tile is None:
            # not before: drawing samples is many small steps, each of which would wait for an interpreter at work. While the process beside fits, this one waits
            self.warming.start()
        freed = self._where_told(index) if tile is None else []
        for later in self.unblocks.pop(job, ()):
            self.waits[later] -= 1
            if self.waits[later] == 0:
                freed.append(later)
        return freed


def _refuse_foreign(outputs: Path) -> None:
    """Refuse to swap a bundle in over a folder that is none: what it holds would be lost."""
    ours = outputs.is_dir() and ((outputs / "provenance.json").is_file() or not any(outputs.iterdir()))
    if outputs.exists() and not ours:
        raise StoreError(
            f"{outputs.name} in {outputs.parent.name}/ was not made by prospect (it holds no provenance.json) and would be lost; "
            "move it away, or give another folder with --set run.outputs=..."
        )


def _tile_call(node: Node) -> Call:
    if isinstance(node, LayerNode):
        return node.call
    assert node.gather is not None
    return node.gather


def _error(future: Future[Any]) -> BaseException | None:
    return CancelledError() if future.cancelled() else future.exception()


def _told(error: BaseException, node: Node, *, others: int = 0) -> BaseException:
    if isinstance(error, ProspectError):
        return error
    if cluster.is_cut(error):
        return ResourceError(f"{node.name}: {error}, again and again; what is finished is kept: see to the network, and the same command goes on from here")
    if cluster.is_lost_worker(error):
        return ResourceError(
            f"{node.name}{f', or one of {others} jobs after it' if others else ''}: a worker died again and again, most likely for want of memory; "
            "use a smaller region.tile or fewer run.workers"
        )
    return error
