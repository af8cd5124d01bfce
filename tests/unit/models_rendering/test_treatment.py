import numpy as np

from models.rendering.ensemble import ENSEMBLES, RANGES, playable, program_for
from models.rendering.treatment import MAX_TEMPO_BPM, MIN_TEMPO_BPM, draw_treatment


def test_the_same_piece_take_and_seed_are_treated_the_same():
    assert draw_treatment(1, "a", 2) == draw_treatment(1, "a", 2)


def test_another_piece_take_or_seed_is_treated_otherwise():
    drawn = {draw_treatment(*which) for which in ((1, "a", 2), (1, "a", 3), (1, "b", 2), (2, "a", 2))}
    assert len(drawn) == 4


def test_names_that_run_together_are_told_apart():
    assert draw_treatment(1, "1", 11) != draw_treatment(11, "1", 1)


def test_tempo_is_as_often_in_the_lower_half_of_its_octaves_as_in_the_upper():
    tempi = np.array([draw_treatment(0, "piece", take).tempo_bpm for take in range(1_000)])
    assert tempi.min() >= MIN_TEMPO_BPM
    assert tempi.max() <= MAX_TEMPO_BPM
    assert abs((tempi < np.sqrt(MIN_TEMPO_BPM * MAX_TEMPO_BPM)).mean() - 0.5) < 0.06


def test_every_ensemble_and_tonic_comes_about_equally_often():
    drawn = [draw_treatment(0, "piece", take) for take in range(2_000)]
    for values, kinds in (([t.ensemble for t in drawn], len(ENSEMBLES)), ([t.tonic for t in drawn], 12)):
        _, counts = np.unique(values, return_counts=True)
        assert len(counts) == kinds
        assert counts.min() > 0.6 * len(drawn) / kinds
        assert counts.max() < 1.4 * len(drawn) / kinds


def test_higher_parts_get_the_higher_instruments():
    assert [program_for((43, 42, 41, 40), pitch) for pitch in (36, 50, 60, 76)] == [43, 42, 41, 40]


def test_a_pitch_outside_an_instrument_moves_by_octaves_into_it():
    for program, (low, high) in RANGES.items():
        for pitch in range(12, 120):
            moved = playable(program, pitch)
            assert low <= moved <= high
            assert (moved - pitch) % 12 == 0
            assert moved == pitch or not low <= pitch <= high
