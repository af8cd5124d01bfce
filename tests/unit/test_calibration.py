from datetime import UTC, datetime

import numpy as np
import pytest

from app.adapters.memory_index import MemoryIndex
from app.domain import Calibration, EncoderInfo, Space
from app.services.calibration import DEVIATION_FLOOR, FEWEST_TRACKS, PAIRS, _pairs, is_due, measure, scale

ENCODER = EncoderInfo("e", "n", "1", "d", (Space("timbre", 8), Space("rhythm", 3)))


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def filled(count, rhythm=None):
    rng = np.random.default_rng(0)
    timbre = unit(rng.standard_normal((count, 8)))
    rhythm = unit(rng.standard_normal((count, 3))) if rhythm is None else rhythm
    index = MemoryIndex(ENCODER)
    index.add(np.arange(count) * 2, np.concatenate([timbre, rhythm], axis=1).astype(np.float32))
    return index


def measured(index):
    return measure(index, ENCODER, "l", np.random.default_rng(1))


def test_a_small_library_is_measured_over_all_its_pairs():
    index = filled(40)
    vectors = index.vectors(index.numbers()).astype(np.float64)
    found = measured(index)
    for name, place in ENCODER.slices().items():
        cosines = (vectors[:, place] @ vectors[:, place].T)[np.triu_indices(40, k=1)]
        assert found.mean[name] == pytest.approx(cosines.mean())
        assert found.deviation[name] == pytest.approx(cosines.std())
    assert (found.library_id, found.encoder_id, found.tracks) == ("l", "e", 40)


def test_a_large_library_is_measured_over_random_pairs_of_different_tracks():
    found = measured(filled(2000))
    assert PAIRS < 2000 * 1999 // 2
    assert found.deviation["timbre"] == pytest.approx(1 / np.sqrt(8), rel=0.05)
    assert found.deviation["rhythm"] == pytest.approx(1 / np.sqrt(3), rel=0.05)
    assert abs(found.mean["timbre"]) < 0.03


@pytest.mark.parametrize("count", [FEWEST_TRACKS, 200])
def test_no_track_is_paired_with_itself(count):
    left, right = _pairs(count, np.random.default_rng(0))
    assert (left != right).all()
    assert set(left.tolist()) | set(right.tolist()) == set(range(count))


def test_a_library_with_too_few_tracks_is_not_measured():
    assert measured(filled(FEWEST_TRACKS - 1)) is None
    assert measured(filled(FEWEST_TRACKS)) is not None


def test_a_space_in_which_all_are_alike_is_not_blown_up_without_end():
    alike = np.tile([1.0, 0, 0], (50, 1))
    found = measured(filled(50, alike))
    assert found.deviation["rhythm"] == DEVIATION_FLOOR
    assert found.mean["rhythm"] == pytest.approx(1)
    assert scale(found)["rhythm"] == pytest.approx(1 / DEVIATION_FLOOR)


def test_tracks_absent_in_a_space_do_not_count_there():
    rng = np.random.default_rng(2)
    rhythm = unit(rng.standard_normal((60, 3)))
    rhythm[20:] = 0
    index = filled(60, rhythm)
    cosines = (rhythm[:20] @ rhythm[:20].T)[np.triu_indices(20, k=1)]
    # the index keeps half precision
    assert measured(index).deviation["rhythm"] == pytest.approx(cosines.std(), rel=2**-11)


def test_a_space_in_which_no_pair_is_present_counts_as_the_others_do():
    found = measured(filled(50, np.zeros((50, 3))))
    assert found.deviation["rhythm"] == found.deviation["timbre"]
    assert found.mean["rhythm"] == 0


def test_it_is_due_at_first_and_after_growth_or_shrinkage_by_a_tenth():
    at_100 = Calibration("l", "e", {}, {}, tracks=100, measured_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert is_due(None, FEWEST_TRACKS)
    assert not is_due(None, FEWEST_TRACKS - 1)
    assert [is_due(at_100, tracks) for tracks in (89, 90, 91, 100, 109, 110, 111)] == [
        True,
        True,
        False,
        False,
        False,
        True,
        True,
    ]


def test_without_a_calibration_nothing_is_scaled():
    assert scale(None) is None
