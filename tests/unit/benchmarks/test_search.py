"""What the benchmark of searching measures with is right."""

import json

import numpy as np
import pytest

from app.query import inner_products
from benchmarks import search
from benchmarks.search_engines import Case, NotThere, Pace, TooSlow
from benchmarks.search_filters import FILTERS, KINDS, NO_FILTER, SHARES, new_filters
from benchmarks.search_load import Updater
from benchmarks.search_patterns import PATTERNS, questions
from benchmarks.search_scans import Flat, FlatSpaces, Joint, Soundkin
from benchmarks.search_tables import Table, ahead, ahead_table, figure
from benchmarks.search_truth import recall, truth
from benchmarks.search_turns import Result, contestants, sole, take_turns
from benchmarks.search_world import MadeUp, Resampled, new_world, unit

WIDTHS = (8, 8, 8)
COUNT = 600


@pytest.fixture(scope="module")
def world():
    return new_world(MadeUp(WIDTHS), COUNT)


def lengths(vectors, widths=WIDTHS):
    parts = np.split(vectors, np.cumsum(widths)[:-1], axis=1)
    return np.stack([np.linalg.norm(part, axis=1) for part in parts], axis=1)


def test_made_up_tracks_are_of_unit_length_in_each_space(world):
    for vectors in (world.vectors, world.references, world.arrivals):
        np.testing.assert_allclose(lengths(vectors), 1, atol=1e-5)


def test_the_same_world_is_made_every_time(world):
    again = new_world(MadeUp(WIDTHS), COUNT)
    assert np.array_equal(world.vectors, again.vectors)
    assert np.array_equal(world.references, again.references)
    assert not np.array_equal(world.vectors, new_world(MadeUp(WIDTHS), COUNT, seed=1).vectors)


def test_tracks_that_are_alike_in_one_space_are_alike_in_another():
    first, second = np.split(new_world(MadeUp((64, 64)), COUNT).vectors, 2, axis=1)
    pairs = np.triu_indices(COUNT, 1)
    assert np.corrcoef((first @ first.T)[pairs], (second @ second.T)[pairs])[0, 1] > 0.2


def test_tracks_of_one_kind_are_alike(world):
    kinds = world.tracks.kinds
    cosines, same = world.vectors @ world.vectors.T, kinds[:, None] == kinds
    np.fill_diagonal(same, val=False)
    assert cosines[same].mean() > cosines[kinds[:, None] != kinds].mean() + 0.1


def test_references_are_not_in_the_catalogue(world):
    assert (world.references @ world.vectors.T).max() < len(WIDTHS) - 1e-3


def test_real_vectors_are_drawn_anew_near_themselves(world):
    source = Resampled(world.vectors[:50].copy(), WIDTHS)
    drawn = source.draw(200, np.random.default_rng(0)).vectors
    np.testing.assert_allclose(lengths(drawn), 1, atol=1e-5)
    assert (drawn @ world.vectors[:50].T).max(axis=1).min() > 0.95 * len(WIDTHS)
    assert len(np.unique(drawn, axis=0)) == 200


def test_a_space_that_a_real_track_lacks_stays_absent(world):
    vectors = world.vectors[:50].copy()
    vectors[:, 8:16] = 0
    lacking = new_world(Resampled(vectors, WIDTHS), 20)
    assert not lacking.vectors[:, 8:16].any()
    assert len(questions(lacking, "one space", 20)) == 20


def test_real_vectors_of_another_width_are_refused(world):
    with pytest.raises(SystemExit, match="widths sum to 16"):
        Resampled(world.vectors, (8, 8))


def test_zeros_have_no_direction():
    assert not unit(np.zeros((2, 24), dtype=np.float32), WIDTHS).any()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_shares_of_a_query_sum_to_one(world, pattern):
    asked = questions(world, pattern, 5)
    assert [np.abs(query.shares).sum() for query in asked] == pytest.approx([1] * 5)
    again = questions(world, pattern, 5)
    assert all(np.array_equal(one.vector, other.vector) for one, other in zip(asked, again, strict=True))


def test_patterns_weigh_what_they_say(world):
    active = {
        pattern: {np.count_nonzero(query.shares) for query in questions(world, pattern, 9)} for pattern in PATTERNS
    }
    assert active["one space"] == {1}
    assert active["two spaces"] == {2}
    assert active["uniform"] == active["skewed"] == active["several references"] == {3}
    assert all((query.term_shares < 0).sum() == 1 for query in questions(world, "contrast", 9))
    assert all(len(query.addends) == 3 for query in questions(world, "several references", 9))


def test_filters_leave_the_share_that_they_name(world):
    filters = new_filters(world)
    assert [NO_FILTER, *filters] == list(FILTERS)
    assert {name: len(filters[name]) for name in SHARES} == {"50%": 300, "10%": 60, "1%": 6, "0.1%": 1}
    assert all((np.diff(allowed) > 0).all() for allowed in filters.values())


def test_one_filter_leaves_whole_kinds(world):
    allowed = new_filters(world)[KINDS]
    kept = np.unique(world.tracks.kinds[allowed])
    assert np.array_equal(allowed, np.flatnonzero(np.isin(world.tracks.kinds, kept)))
    assert len(kept) == 4


@pytest.mark.parametrize("block", [64, 100_000])
def test_the_truth_is_that_of_brute_force(world, block, monkeypatch):
    monkeypatch.setattr("benchmarks.search_truth._BLOCK", block)
    filters = {NO_FILTER: None, **new_filters(world)}
    asked = [query.vector for query in questions(world, "contrast", 3)]
    found = truth(world.vectors, asked, 20, filters)
    for name, allowed in filters.items():
        numbers = np.arange(COUNT) if allowed is None else allowed
        for query, best in zip(asked, found[name], strict=True):
            scores = inner_products(world.vectors[numbers], query)
            assert np.array_equal(best, numbers[np.lexsort((numbers, -scores))[:20]])


def test_nobody_decides_among_more_ties_than_were_looked_at(world):
    same = np.repeat(world.vectors[:1], 200, axis=0)
    with pytest.raises(RuntimeError, match="tie"):
        truth(same, [world.references[0]], 10, {NO_FILTER: None})


def test_recall_is_the_share_of_the_right_ones():
    right = [np.array([1, 2]), np.array([3, 4])]
    assert recall(right, right) == 1
    assert recall([np.array([2, 9]), np.array([4, 3])], right) == 0.75
    assert recall([np.empty(0, dtype=np.int64)] * 2, right) == 0


@pytest.mark.parametrize("engine_class", [Flat, Soundkin, FlatSpaces, Joint])
def test_scans_find_the_right_ones(world, engine_class):
    filters = new_filters(world)
    engine = engine_class()
    engine.build(world, filters, Pace(1000))
    queries = questions(world, "one space", 4)
    right = truth(
        world.vectors, [query.vector for query in queries], 5, {name: filters.get(name) for name in FILTERS}
    )
    asked = [Case("one space", name, 5, queries, right[name]) for name in FILTERS]
    fitting = [case for case in asked if engine.fits(case)]
    assert fitting
    for case in fitting:
        contestant = sole(engine)
        take_turns([contestant], case, 1000)
        assert contestant.recall(case) >= 0.95  # half precision may turn neighbours round
    assert engine.size() > 0


class Guesser(Flat):
    """Finds more the harder it tries."""

    name = "guesser"

    def settings(self):
        return {f"effort {share}": self.partly(share) for share in (0, 5, 10, 20)} | {"exact": self.partly(10)}

    def partly(self, count):
        return lambda query, k, name: self._search(query, k, name)[:count]


def test_an_engine_is_asked_more_thoroughly_until_it_finds_enough(world):
    engine = Guesser()
    engine.build(world, {}, Pace(1000))
    queries = questions(world, "uniform", 3)
    right = truth(world.vectors, [query.vector for query in queries], 10, {NO_FILTER: None})[NO_FILTER]
    case = Case("uniform", NO_FILTER, 10, queries, right)
    chosen = contestants(engine, case, 1000)
    assert [one.setting for one in chosen] == ["effort 0", "effort 5", "effort 10", "exact"]
    assert all(not one.answers for one in chosen)


def test_who_spent_the_patience_is_asked_once(world):
    engine = Flat()
    engine.build(world, {}, Pace(1000))
    contestant = sole(engine)
    queries = questions(world, "uniform", 20)
    take_turns([contestant], Case("uniform", NO_FILTER, 5, queries, []), 0)
    assert len(contestant.answers) == 1


def test_a_build_that_takes_too_long_is_stopped_after_its_first_tenth():
    pace = Pace(0)
    pace.check(9, 100)
    with pytest.raises(TooSlow, match="building would take"):
        pace.check(10, 100)


def result(engine, setting, found, ratio):
    return Result(engine, setting, "uniform", NO_FILTER, 10, 4, found, None, ratio, ratio, 1, 1, ratio, None, 1, 1)


def test_engines_are_compared_at_equal_recall():
    results = [
        result("soundkin", "", 1.0, 1.0),
        result("faiss flat float32", "exact", 1.0, 9.0),
        result("graph", "ef 64", 0.9, 0.5),
        result("graph", "ef 256", 0.992, 1.5),
        result("graph", "ef 1024", 1.0, 3.0),
        result("merger", "depth 100", 0.4, 2.0),
    ]
    graph, merger = ahead(results)
    assert (graph.setting, graph.ours_ratio) == ("ef 256", 1.5)
    assert (merger.setting, merger.ours_ratio) == ("depth 100", None)
    assert ahead_table([graph, merger]).rows == [
        ["uniform", "none", "10", "1.50× (ef 256)", "never: 0.400 (depth 100)"]
    ]


def test_tables_can_be_pasted():
    table = Table("Speed", ["engine", "ms"], [["ours", "1.0"]])
    assert table.text().splitlines() == ["", "Speed", "engine   ms", "ours    1.0"]
    assert table.markdown().splitlines() == [
        "",
        "**Speed**",
        "",
        "| engine | ms |",
        "| --- | ---: |",
        "| ours | 1.0 |",
    ]
    assert [figure(value) for value in (1234.5, 12.34, 1.234, 0.1234)] == ["1,234", "12.3", "1.23", "0.123"]


def test_updates_leave_every_track_there_and_few_more(world):
    engine = Soundkin()
    engine.build(world, {}, Pace(1000))
    updater = Updater(engine.index, world)
    for turn in range(3):
        updater._update(turn)
    assert (updater.changes, len(engine.index)) == (30, COUNT + 4 + 1 + 1)
    assert np.isin(np.arange(COUNT), engine.index.numbers()).all()
    assert not np.array_equal(engine.index.vectors(np.arange(COUNT)), world.vectors.astype(np.float16))


class Missing(Flat):
    """An engine whose package is not installed."""

    name = "missing"

    def build(self, world, filters, pace):
        raise NotThere("the package missing is not installed")


class Broken(Flat):
    """An engine that fails."""

    name = "broken"

    def settings(self):
        raise OSError("no more")


def test_a_run_writes_what_it_measured_and_says_what_it_left_out(world, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(search, "bandwidth", lambda: 1e9)
    monkeypatch.setattr(search, "PEERS", {"one-space": FlatSpaces, "missing": Missing, "broken": Broken})
    monkeypatch.setattr("benchmarks.search_load.CLIENTS", (1, 2))
    plan = search.Plan(ks=(3, 5), queries=3, peers=("one-space", "missing", "broken"), load_s=0.05)
    run = search.Benchmark(world, plan)
    run.run()
    path = tmp_path / "found.json"
    path.write_text(json.dumps(search.written(run.found)))
    written = json.loads(path.read_text())

    assert {one["engine"] for one in written["results"]} == {
        "soundkin",
        "faiss flat float32",
        "faiss flat, one space",
    }
    ours = [one for one in written["results"] if one["engine"] == "soundkin"]
    assert len(ours) == len(PATTERNS) * len(FILTERS) * 2
    assert all(one["recall"] > 0.9 and one["cpu_ratio"] > 0 and one["p99_ms"] >= one["p50_ms"] > 0 for one in ours)
    assert set(ours[0]) >= {"setting", "pattern", "filter", "k", "bytes_per_track", "build_s", "limit_ratio"}
    assert written["notes"] == [
        "missing is left out: the package missing is not installed",
        "broken failed: OSError: no more",
    ]
    assert [one["clients"] for one in written["clients"]] == [1, 1, 2, 2]
    assert {one["engine"] for one in written["batches"]} == {"soundkin", "faiss flat float32"}
    assert [one["changes_per_s"] > 0 for one in written["updates"]] == [False, True]
    assert written["machine"]["tracks"] == COUNT
    assert all(table.text() and table.markdown() for table in search.tables(run.found))
    assert "missing is left out" in capsys.readouterr().err


def test_options_choose_what_is_measured():
    quick = search.planned(search.parsed(["--quick"]))
    assert (quick.ks, quick.peers, quick.load_s) == ((10,), (), 0)
    some = search.planned(search.parsed(["--engines", "hnswlib,joint", "--queries", "7"]))
    assert (some.peers, some.queries) == (("hnswlib", "joint"), 7)
    with pytest.raises(SystemExit, match="no engine nothing"):
        search.planned(search.parsed(["--engines", "nothing"]))
