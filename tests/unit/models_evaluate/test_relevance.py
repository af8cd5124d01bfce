from pathlib import Path

import numpy as np
import pytest

from models.datasets.tempo import alike_in_tempo
from models.datasets.track import Dataset, LabelledTrack
from models.errors import EvaluationImpossible
from models.evaluate.relevance import relevance


def dataset(*labels):
    tracks = [
        LabelledTrack(**{"id": str(number), "path": Path(str(number))} | label)
        for number, label in enumerate(labels)
    ]
    return Dataset("made up", tuple(tracks))


def alike(tracks, by, **options):
    found = relevance(tracks, by, **options)
    everyone = np.arange(len(found))
    relevant, candidates = found.relevant(everyone)
    np.testing.assert_array_equal(candidates, found.candidates(everyone))
    np.testing.assert_array_equal(relevant, found.rows(everyone) & candidates)
    return relevant.astype(int).tolist()


def test_tracks_of_one_album_are_alike_and_none_is_alike_to_itself():
    tracks = dataset({"album": "one"}, {"album": "two"}, {"album": "one"}, {})
    assert alike(tracks, "album") == [[0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_unlabelled_tracks_are_not_alike_to_each_other_and_no_candidates():
    tracks = dataset({"artist": "a"}, {}, {}, {"artist": "a"})
    found = relevance(tracks, "artist")
    assert found.labelled.tolist() == [True, False, False, True]
    assert found.candidates(np.arange(4)).astype(int).tolist() == [[0, 0, 0, 1], [0] * 4, [0] * 4, [1, 0, 0, 0]]


def test_one_tag_of_the_dimension_in_common_is_enough():
    tracks = dataset(
        {"tags": {"genre": frozenset({"rock", "folk"})}},
        {"tags": {"genre": frozenset({"folk"})}},
        {"tags": {"genre": frozenset({"jazz"}), "mood": frozenset({"sad"})}},
        {"tags": {"mood": frozenset({"sad"})}},
    )
    assert alike(tracks, "genre") == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert alike(tracks, "mood") == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    assert relevance(tracks, "genre").tags.toarray().sum(1).tolist() == [2, 1, 1, 0]


def test_all_annotations_together_are_alike_from_a_jaccard_index_of_one_half():
    tracks = dataset(
        {"free_tags": frozenset("ab"), "tags": {"genre": frozenset({"rock"})}},
        {"free_tags": frozenset("ab")},
        {"free_tags": frozenset("a"), "tags": {"genre": frozenset({"jazz"})}},
        {},
    )
    assert alike(tracks, "tags") == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert alike(tracks, "tags", min_jaccard=0.25)[2] == [1, 1, 0, 0]


def test_parallel_keys_are_alike_and_relative_keys_are_not():
    tracks = dataset(
        {"key": "A minor"}, {"key": "A major"}, {"key": "C major"}, {"key": "A minor"}, {"key": "A# minor"}
    )
    assert alike(tracks, "key")[0] == [0, 1, 0, 1, 0]
    assert alike(tracks, "key")[2] == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (120, 125, True),
        (120, 125.1, False),
        (60, 120, True),
        (30, 240, True),
        (62, 120, True),
        (63, 120, False),
        (82, 160, True),
        (40, 170, False),
        (100, 150, False),
        (20, 400, False),
    ],
)
def test_tempi_are_alike_at_the_octave_of_the_faster(one, other, expected):
    assert alike_in_tempo(np.array(float(one)), np.array(float(other))) == expected
    assert alike_in_tempo(np.array(float(other)), np.array(float(one))) == expected


def test_tempo_similarity_is_the_papers_rule_held_both_ways():
    tempi = np.random.default_rng(0).uniform(20, 400, 300)
    octaves = 2.0 ** np.arange(-6, 7)
    one_way = (abs(tempi[:, None, None] * octaves - tempi[:, None]) <= 5).any(2)
    np.testing.assert_array_equal(alike_in_tempo(tempi[:, None], tempi), one_way & one_way.T)
    assert (one_way != one_way.T).any()


def test_any_attribute_can_be_asked_for():
    tracks = dataset({"attributes": {"piece": "p"}}, {"attributes": {"piece": "p"}}, {"attributes": {"piece": "q"}})
    assert alike(tracks, "piece") == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_near_duplicates_are_no_candidates_in_either_direction_and_transitively():
    tracks = dataset(
        {"album": "x", "duplicates": frozenset({"1"})},
        {"album": "x"},
        {"album": "x", "duplicates": frozenset({"1"})},
        {"album": "x"},
    )
    assert alike(tracks, "album") == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [1, 1, 1, 0]]


def test_duplicates_of_one_absent_track_are_duplicates():
    tracks = dataset(
        {"album": "x", "duplicates": frozenset({"gone"})},
        {"album": "x", "duplicates": frozenset({"gone"})},
        {"album": "x"},
    )
    assert alike(tracks, "album") == [[0, 0, 1], [0, 0, 1], [1, 1, 0]]


def test_across_origins_the_querys_own_origin_is_left_out():
    rock = {"tags": {"genre": frozenset({"rock"})}}
    tracks = dataset({"album": "x"} | rock, {"album": "x"} | rock, {"album": "y"} | rock)
    assert alike(tracks, "genre", across_origins=True) == [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    with pytest.raises(EvaluationImpossible, match="alike across origins"):
        relevance(tracks, "album", across_origins=True)


def test_labels_that_no_two_tracks_share_are_refused_with_what_is_there():
    tracks = dataset({"album": "x", "key": "C major"}, {"album": "y", "attributes": {"piece": "p"}}, {})
    with pytest.raises(EvaluationImpossible, match="album: 2 of 3 tracks are labelled, and no two") as caught:
        relevance(tracks, "album")
    assert "Labelled tracks in made up: album 2, key 1, piece 1." in str(caught.value)
    with pytest.raises(EvaluationImpossible, match="tenor: 0 of 3"):
        relevance(tracks, "tenor")
    with pytest.raises(EvaluationImpossible, match="Labelled tracks in made up: none"):
        relevance(dataset({}, {}), "mood")
    with pytest.raises(EvaluationImpossible, match="0 of 0"):
        relevance(dataset(), "genre")


def test_blocks_of_rows_say_what_all_rows_say():
    generator = np.random.default_rng(1)
    tracks = dataset(*({"tempo_bpm": float(tempo)} for tempo in generator.uniform(50, 200, 40)))
    found = relevance(tracks, "tempo")
    some = np.array([7, 3, 39])
    np.testing.assert_array_equal(found.rows(some), found.rows(np.arange(40))[some])
    np.testing.assert_array_equal(found.candidates(some), found.candidates(np.arange(40))[some])
