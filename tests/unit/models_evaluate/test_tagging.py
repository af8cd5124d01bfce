from dataclasses import replace

import numpy as np
import pytest

from models.datasets.track import Dataset
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Embedded
from models.evaluate.report import COMPLETE, RANDOM, WORST
from models.evaluate.tagging import ALL_TAGS, MEASURES, evaluate_tagging
from models.evaluate.targets import Sides, dataset_sides, split_note, tag_target
from models.metrics.bootstrap import Resampling
from models.tag_directions import TagDirections

RESAMPLING = Resampling(replicates=100)
PROBE, _, PROTOTYPE, _ = MEASURES


@pytest.fixture(scope="module")
def report(labelled, oracle, noise):
    return evaluate_tagging(labelled, [oracle, noise], RESAMPLING)


def figures(report, task, system, space=COMPLETE):
    (row,) = [row for row in report.rows if (row.task, row.system, row.space) == (task, system, space)]
    return row.figures


@pytest.mark.parametrize("dimension", ["genre", "instrument", "mood"])
def test_vectors_that_hold_the_tags_tell_them(report, dimension):
    assert figures(report, dimension, "oracle")[PROBE].value == 1
    assert figures(report, dimension, "oracle", dimension)[PROTOTYPE].value == 1


def test_vectors_of_noise_tell_tags_by_chance(report):
    for system in ("noise", RANDOM):
        found = figures(report, ALL_TAGS, system)[PROBE]
        assert found.low < 0.5 < found.high


def test_the_worst_puts_every_positive_last(report):
    assert figures(report, ALL_TAGS, WORST)[PROBE].value == 0
    assert all(figures(report, "mood", WORST)[measure].value < 0.7 for measure in MEASURES)


def test_every_task_has_the_rows_of_both_baselines_and_the_same_measures(report):
    tasks = {row.task for row in report.rows}
    assert tasks == {"genre", "instrument", "mood", ALL_TAGS}
    for task in tasks:
        rows = [row for row in report.rows if row.task == task]
        assert {RANDOM, WORST} < {row.system for row in rows}
        assert {tuple(row.figures) for row in rows} == {MEASURES}


def test_an_encoders_own_tags_are_asked_without_a_probe_where_the_dataset_has_them(labelled, oracle):
    """The oracle's sub-space of genre has an axis for each of the three, in the order of their names."""
    axes = np.eye(3, dtype=np.float32)
    ones = np.ones(2, np.float32)
    right = TagDirections(("jazz", "polka"), axes[[1, 0]], ones, ones)
    wrong = TagDirections(("jazz", "polka"), axes[[2, 0]], ones, ones)
    systems = [
        Embedded("right", oracle.vectors, oracle.spaces, "euclidean", {"genre": right}),
        Embedded("wrong", oracle.vectors, oracle.spaces, "euclidean", {"genre": wrong}),
        Embedded("other", oracle.vectors, oracle.spaces, "euclidean", {"mood": right}),
    ]
    report = evaluate_tagging(labelled, systems, RESAMPLING)
    own = {row.system: row.figures["ROC-AUC"].value for row in report.rows if row.task == "genre by its own tags"}
    assert own["right"] == 1
    assert own["wrong"] < 0.5
    assert set(own) == {"right", "wrong"}
    assert "mood by its own tags" not in {row.task for row in report.rows}


def test_every_value_lies_in_its_interval(report):
    for row in report.rows:
        for found in row.figures.values():
            assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_the_mean_over_all_tags_is_the_mean_over_the_tags_of_all_dimensions(report):
    tags = report.facts["tags"]
    by_dimension = [figures(report, name, "noise")[PROBE].value * len(found) for name, found in tags.items()]
    assert figures(report, ALL_TAGS, "noise")[PROBE].value == pytest.approx(sum(by_dimension) / 8)


def test_there_is_a_picture_of_every_tag(report):
    assert set(report.plots) == {"genre-by-tag", "instrument-by-tag", "mood-by-tag"}


def test_prototypes_rank_by_the_similarity_of_the_system(labelled):
    """Two spaces under cosine: one holds the tag at ten times the length, which must not count."""
    genre = np.array(
        [[min(track.tags["genre"]) == name for name in ("ambient", "jazz", "rock")] for track in labelled.tracks]
    )
    vectors = np.hstack([genre, np.ones((len(labelled), 1))]).astype(np.float32)
    system = Embedded("two", vectors, {"a": slice(0, 3), "b": slice(3, 4)})
    assert figures(evaluate_tagging(labelled, [system], RESAMPLING), "genre", "two")[PROTOTYPE].value == 1


def test_a_tag_that_is_rare_or_everywhere_on_a_side_is_left_out(labelled):
    tracks = [
        replace(
            track, tags={"genre": frozenset({"music", *track.tags["genre"], *(["one"] if track.id == "0" else [])})}
        )
        for track in labelled.tracks
    ]
    target = tag_target(Dataset("some", tuple(tracks)), "genre", dataset_sides(labelled), 5)
    assert target.tags == ("ambient", "jazz", "rock")


def test_a_track_without_tags_of_a_dimension_is_unknown_in_it_and_not_negative(labelled):
    mute = Dataset(
        "some", tuple(replace(track, tags={} if int(track.id) % 2 else track.tags) for track in labelled.tracks)
    )
    assert np.flatnonzero(tag_target(mute, "genre", dataset_sides(mute), 5).known).tolist() == list(
        range(0, 240, 2)
    )


def test_a_dataset_without_a_split_is_refused_with_advice(labelled, noise):
    whole = Dataset("whole", tuple(replace(track, split="") for track in labelled.tracks))
    with pytest.raises(
        EvaluationImpossible, match=r"train 0, validation 0, test 0, without a side 240.*split_by_origin"
    ):
        evaluate_tagging(whole, [noise], RESAMPLING)


def test_a_dataset_without_tags_is_refused(labelled, noise):
    mute = Dataset("mute", tuple(replace(track, tags={}) for track in labelled.tracks))
    with pytest.raises(EvaluationImpossible, match="No tag of mute"):
        evaluate_tagging(mute, [noise], RESAMPLING)


def test_the_note_counts_test_tracks_whose_origin_probes_have_seen(labelled, report):
    assert "No test track shares its origin" in " ".join(report.notes)
    mixed = Dataset("mixed", tuple(replace(track, album="one") for track in labelled.tracks))
    assert split_note(mixed, dataset_sides(mixed)).startswith("60 of 60 test tracks share their origin")


def test_whole_origins_are_resampled_on_request(labelled, noise):
    report = evaluate_tagging(labelled, [noise], RESAMPLING, group_by_origin=True)
    assert report.facts["resampled"] == "origins"
    found = figures(report, "genre", "noise")[PROBE]
    alone = figures(evaluate_tagging(labelled, [noise], RESAMPLING), "genre", "noise")[PROBE]
    assert found.value == alone.value
    assert not np.array_equal(found.replicates, alone.replicates)


def test_sides_among_known_tracks_keep_their_order():
    sides = Sides(np.array([0, 1]), np.array([2]), np.array([3, 4])).among(np.array([0, 1, 0, 1, 1], np.bool_))
    assert (sides.train.tolist(), sides.validation.tolist(), sides.test.tolist()) == ([1], [], [3, 4])
    assert not sides.complete
