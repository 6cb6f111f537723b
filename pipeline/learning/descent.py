"""The kernel behind every forest and every boosted sum: sixty-four rows down many trees at once, level by level.

The rows are a set of bits that each test splits. Of many trees together, all tests that some row of a level comes to are asked, one comparison of sixty-four
numbers each, and then where their rows go is sorted out eight tests at a time: what is asked next of all trees, and which leaves were reached. Of a tree
whose rows reach a good part of its leaves, all tests are asked in one run. A row's leaf is then a number below 64 among those its set reached, by which
what it holds is looked up.
"""

from __future__ import annotations

import numba
import numpy as np

from pipeline.learning.lanes import LANES, above, add_numbered, numbered, numbered_in_turn, parted, soon

TREES = 128  # at most go on together
_AHEAD = 16  # entries: so far before it is read is what is far away fetched
_OVER = 16  # entries: so many are written where eight tests are sorted out, whatever their number
_SETS = 16  # of 64 rows go down the same trees before the next are asked
LEAF = np.uint32(2**31)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def descend(  # type: ignore[no-untyped-def]  # pragma: no cover
    values, tests, threshold, children, leaves, whose, test_start, leaf_start, most, enough, far, bag_start, fill, mean, spread, by_bag
):
    """Put the mean over bags of each row, and the spread between them, into `mean` and `spread`, and the bags' own into `by_bag` unless it is empty.

    Arrays as `walk` hands them over; of `tests`, `threshold` and `children` the very memory is one. `most` leaves has the largest tree; of which more than
    `enough` (trees,) were reached by the rows before is asked all its tests. `far`: True where what is read next is to be fetched ahead, or None.
    """
    columns, rows = values.shape
    bags, width = fill.shape[0], mean.shape[1]
    wide, size, room, over = columns * LANES, bags * width * LANES, TREES * LANES, max(_AHEAD, _OVER)
    block = _on_lines(np.empty(_SETS * wide + 16, np.float32), _SETS * wide)
    holes = np.empty((_SETS * wide, 2), np.int64)
    share = _on_lines(np.empty(_SETS * size + 8), _SETS * size)
    sets = np.zeros(2 * most, np.uint64)
    names, lanes = np.zeros((3, room + over), np.uint32), np.empty((5, room + over), np.uint64)
    numbers, table = _on_lines(np.zeros(room + 64, np.uint8), room), _on_lines(np.zeros(width * room + 8), width * room)
    usual, reached = np.zeros(test_start.size - 1, np.uint64), np.zeros(TREES, np.uint64)
    trees = bag_start[bags]
    for first in range(0, rows, _SETS * LANES):
        held = min(_SETS, (rows - first + LANES - 1) // LANES)
        missing = 0
        for i in range(held):
            missing = _laid_out(values, first + i * LANES, i * wide, block, holes, missing)
        share[:] = 0.0
        start, last_bag = bag_start[0], 0
        while start < trees:
            stop = min(start + TREES, trees)
            while bag_start[last_bag + 1] <= start:
                last_bag += 1
            if missing:  # what stands for missing values is the bag's
                stop = min(stop, bag_start[last_bag + 1])
                for hole in range(missing):
                    block[holes[hole, 0]] = fill[last_bag, holes[hole, 1]]
            for i in range(held):  # the same trees again, while they are in the processor's cache
                _down(
                    block, np.uint64(i * wide), tests, threshold, children, leaves, whose, test_start, leaf_start, enough, far, start, stop, sets,
                    names, lanes, numbers, table, usual, reached, width,
                )  # fmt: skip
                bag, tree = last_bag, start
                while tree < stop:
                    end = min(bag_start[bag + 1], stop)
                    for k in range(width):
                        add_numbered(
                            share, np.uint64(i * size + (bag * width + k) * LANES), numbers, table[k * room : (k + 1) * room], reached,
                            np.uint64(tree - start), np.uint64(end - start),
                        )  # fmt: skip
                    bag, tree = bag + 1, end
            start = stop
        for i in range(held):
            at = first + i * LANES
            _over_bags(share[i * size : (i + 1) * size], bag_start, mean[at : at + LANES], spread[at : at + LANES], by_bag[:, :, at : at + LANES])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _down(  # type: ignore[no-untyped-def]  # pragma: no cover
    block, lies, tests, threshold, children, leaves, whose, test_start, leaf_start, enough, far, start, stop, sets, names, lanes, numbers, table,
    usual, reached, width,
):  # fmt: skip
    """The 64 rows that stand at `lies`, down trees `start` to `stop`: for each tree how many leaves are `reached`, what they hold, in `table`, and by which of
    these `numbers` each row's is found."""
    waiting, room = np.uint64(0), np.uint64(TREES * LANES)
    queue, queued = names[0], lanes[0]
    for tree in range(start, stop):
        at, place = np.uint64(tree - start), np.uint64((tree - start) * LANES)
        reached[at] = 0
        if test_start[tree] == test_start[tree + 1]:
            numbered(numbers, place, ~np.uint64(0), np.uint64(0))
            for k in range(np.uint64(width)):
                table[k * room + place] = leaves[np.uint64(width) * leaf_start[tree] + k]
            reached[at] = 1
        elif usual[tree] > enough[tree]:  # by the rows before: what is chosen changes no answer
            found = _every_test(block, lies, tests, threshold, test_start[tree], test_start[tree + 1], leaf_start[tree], sets, names[2], lanes[4])
            numbered_in_turn(numbers, place, lanes[4], found)
            for e in range(found):
                for k in range(np.uint64(width)):
                    table[k * room + place + e] = leaves[np.uint64(width) * np.uint64(names[2][e]) + k]
            reached[at] = found
        else:
            queue[waiting], queued[waiting] = test_start[tree], ~np.uint64(0)
            waiting += np.uint64(1)
    found = _visited(block, lies, tests, threshold, children, far, waiting, names, lanes)
    ends, ended = names[2], lanes[4]
    for e in range(found):
        if far is not None:
            soon(leaves, np.uint64(width) * np.uint64(ends[e + np.uint64(_AHEAD)] ^ LEAF))
        leaf, at = np.uint64(ends[e] ^ LEAF), np.uint64(whose[np.uint64(ends[e] ^ LEAF)] - start)
        number, place = reached[at], at * np.uint64(LANES)
        numbered(numbers, place, ended[e], number)
        for k in range(np.uint64(width)):
            table[k * room + place + number] = leaves[np.uint64(width) * leaf + k]
        reached[at] = number + np.uint64(1)
    for tree in range(start, stop):
        usual[tree] = reached[np.uint64(tree - start)]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _on_lines(held, size):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`size` numbers of `held`, the first of them where a line of the processor's cache begins: what crosses one takes twice as long."""
    first = -held.ctypes.data % 64 // held.itemsize
    return held[first : first + size]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _laid_out(values, first, lies, block, holes, missing):  # type: ignore[no-untyped-def]  # pragma: no cover
    """64 rows from `first` on, feature by feature, the last row standing in for those that are not there; the number of `holes`, of which so many
    were `missing` before."""
    there = min(LANES, values.shape[1] - first)
    for j in range(values.shape[0]):
        at, hole = lies + j * LANES, False
        for lane in range(there):
            held = values[j, first + lane]
            block[at + lane] = held
            hole |= np.isnan(held)
        for lane in range(there, LANES):
            block[at + lane] = block[at + there - 1]
        if hole:
            for lane in range(LANES):
                if np.isnan(block[at + lane]):
                    holes[missing, 0], holes[missing, 1] = at + lane, j
                    missing += 1
    return missing


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _every_test(block, lies, tests, threshold, first, last, leaf, sets, ends, ended):  # type: ignore[no-untyped-def]  # pragma: no cover
    """All tests of one tree, then which lanes came to which leaf; the number of leaves reached."""
    # indices are unsigned: a signed one is asked, each time, whether it counts from the end
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    many = last - first
    of_test, of_leaf = first, np.uint64(LEAF) + leaf - many  # the sets of leaves stand behind those of tests
    sets[np.uint64(0)] = ~np.uint64(0)
    for t in range(first, last):
        here, beyond = sets[t - first], above(block, lies + np.uint64(tests[four * t + two]), threshold[four * t + three])
        left, right = np.uint64(tests[four * t]), np.uint64(tests[four * t + one])
        sets[left - (of_leaf if left >= np.uint64(LEAF) else of_test)] = here & ~beyond
        sets[right - (of_leaf if right >= np.uint64(LEAF) else of_test)] = here & beyond
    found = np.uint64(0)
    for k in range(many + np.uint64(1)):  # a tree has one leaf more than tests
        there = sets[many + k]
        ends[found], ended[found] = leaf + k, there
        found += np.uint64(there != np.uint64(0))
    return found


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _visited(block, lies, tests, threshold, children, far, waiting, names, lanes):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Only the tests that some lane comes to, of several trees level by level; the number of leaves reached.

    Nothing branches on which way lanes go: it cannot be guessed, and a branch that is guessed wrong costs more than the rest of a test.
    """
    queue, queued, onward, onwards = names[0], lanes[0], names[1], lanes[1]
    either, beyond, ends, ended = lanes[2], lanes[3], names[2], lanes[4]
    found, two, three, four, eight = np.uint64(0), np.uint64(2), np.uint64(3), np.uint64(4), np.uint64(8)
    while waiting:
        for e in range(waiting):
            t = np.uint64(queue[e])
            if far is not None:
                soon(tests, four * np.uint64(queue[e + np.uint64(_AHEAD)]))
            beyond[e] = above(block, lies + np.uint64(tests[four * t + two]), threshold[four * t + three])
            either[e] = children[two * t]
        for e in range(eight):
            queued[waiting + e] = np.uint64(0)  # eight are sorted out at a time: no lane is at those that are not there
        next_waiting = np.uint64(0)
        for e in range(np.uint64(0), waiting, eight):
            next_waiting, found = parted(either, queued, beyond, e, onward, onwards, next_waiting, ends, ended, found)
        waiting = next_waiting
        queue, queued, onward, onwards = onward, onwards, queue, queued
    return found


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _over_bags(share, bag_start, mean, spread, by_bag):  # type: ignore[no-untyped-def]  # pragma: no cover
    (lanes, width), bags = mean.shape, bag_start.size - 1
    total, square = np.empty(LANES), np.empty(LANES)
    for k in range(width):
        total[:], square[:] = 0.0, 0.0
        for bag in range(bags):
            place, trees = (bag * width + k) * LANES, np.float64(bag_start[bag + 1] - bag_start[bag])
            for lane in range(LANES):
                share[place + lane] /= trees
                total[lane] += share[place + lane]
        for lane in range(LANES):
            total[lane] /= bags
        for bag in range(bags):
            place = (bag * width + k) * LANES
            for lane in range(LANES):
                square[lane] += (share[place + lane] - total[lane]) ** 2
        for lane in range(lanes):
            mean[lane, k] = total[lane]
            spread[lane, k] = np.sqrt(square[lane] / bags)
        for bag in range(len(by_bag)):  # none, unless they are asked for
            for lane in range(lanes):
                by_bag[bag, k, lane] = share[(bag * width + k) * LANES + lane]
