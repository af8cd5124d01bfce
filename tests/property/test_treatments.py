"""What is drawn tells nothing of the piece: the confounds that a corpus must not have."""

import numpy as np
import pytest

from models.datasets.association import cramers_v
from models.rendering.performance import semitones
from models.rendering.treatment import draw_treatment

PIECES = 1_000
TAKES = 4
GENRES = 12
MOST = 0.06
"""Bias-corrected Cramér's V of 4 000 independent draws stays well below."""

DRAWN = {
    "tonic": lambda t: t.tonic,
    "height": lambda t: int(np.clip(t.height // 6, -3, 2)),
    "tempo": lambda t: int(6 * np.log2(t.tempo_bpm)),
    "ensemble": lambda t: t.ensemble,
    "orchestration": lambda t: f"{t.ensemble} {t.programs}",
    "articulation": lambda t: t.articulation,
    "velocity": lambda t: t.velocity // 10,
    "drums": lambda t: t.with_drums,
    "place": lambda t: int(4 * t.place),
    "font": lambda t: int(4 * t.font),
    "unseen font": lambda t: t.unseen_font,
    "room": lambda t: t.recording.room is None,
    "band": lambda t: t.recording.high_cut_hz is None,
    "drive": lambda t: t.recording.drive_db > 0,
    "noise": lambda t: t.recording.noise,
    "channels": lambda t: t.recording.channels,
    "codec": lambda t: t.recording.extension,
    "bit rate": lambda t: t.recording.kbps,
}


@pytest.fixture(scope="module")
def drawn():
    """Codes of every draw, and the genre of its piece."""
    treatments = [draw_treatment(0, f"piece {piece}", take) for piece in range(PIECES) for take in range(TAKES)]
    codes = {name: codes_of([value(t) for t in treatments]) for name, value in DRAWN.items()}
    genres = np.repeat([f"genre {piece % GENRES}" for piece in range(PIECES)], TAKES)
    return {**codes, "genre": codes_of(genres), "take": np.tile(np.arange(TAKES), PIECES)}


def codes_of(values):
    return np.unique(np.array(values).astype(str), return_inverse=True)[1]


@pytest.mark.parametrize("name", DRAWN)
def test_genre_and_take_give_away_nothing_that_is_drawn(drawn, name):
    assert cramers_v(drawn["genre"], drawn[name]) < MOST
    assert cramers_v(drawn["take"], drawn[name]) < MOST


@pytest.mark.parametrize("name", sorted(set(DRAWN) - {"ensemble", "orchestration"}))
def test_the_ensemble_gives_away_nothing_else_that_is_drawn(drawn, name):
    assert cramers_v(drawn["ensemble"], drawn[name]) < MOST


@pytest.mark.parametrize("name", sorted(set(DRAWN) - {"codec"}))
def test_the_codec_gives_away_nothing_else_that_is_drawn(drawn, name):
    assert cramers_v(drawn["codec"], drawn[name]) < MOST


@pytest.mark.parametrize("tonic", [0, 7])
def test_the_key_gives_away_nothing_of_the_register(tonic):
    treatments = [draw_treatment(0, f"piece {piece}", 0) for piece in range(PIECES * TAKES)]
    shifts = np.array([semitones(tonic, t.tonic, t.height) for t in treatments])
    targets = np.array([t.tonic for t in treatments])
    by_key = [shifts[targets == target] for target in range(12)]
    means, spreads = zip(*((found.mean(), found.std()) for found in by_key), strict=True)
    assert np.ptp(means) < 3  # the nearest way from one key would have 11
    assert np.ptp(spreads) < 2


def test_the_measure_would_see_a_confound(drawn):
    leaning = np.where(np.random.default_rng(0).random(PIECES * TAKES) < 0.2, drawn["genre"], drawn["tonic"])
    assert cramers_v(drawn["genre"], leaning) > 2 * MOST
