import numpy as np
import pytest

from models.analysis import PITCH_NAMES, analyse

RATE = 22_050


def clicks(tempo_bpm, seconds=30, accent_every=4):
    """A click track: short bursts of noise, every so many of them louder."""
    generator = np.random.default_rng(0)
    sound = generator.normal(scale=1e-3, size=int(seconds * RATE))
    for beat in range(int(seconds * tempo_bpm / 60)):
        start = int(beat * 60 / tempo_bpm * RATE)
        burst = (
            generator.normal(size=800) * np.exp(-np.arange(800) / 150) * (1 if beat % accent_every == 0 else 0.6)
        )
        sound[start : start + 800] += burst[: len(sound) - start]
    return (0.3 * sound).astype(np.float32)


def chords(tonic, minor, seconds_each=1.0):
    """Tonic, subdominant, dominant and tonic, with overtones."""
    third = 3 if minor else 4
    roots = [(0, third), (5, third), (7, 4), (0, third)] * 3
    time = np.arange(int(seconds_each * RATE)) / RATE
    sound = []
    for root, interval in roots:
        midi = [48 + tonic + root + step for step in (0, interval, 7, 12)]
        notes = [np.sin(2 * np.pi * 440 * 2 ** ((m - 69) / 12) * h * time) / h for m in midi for h in range(1, 6)]
        sound.append(np.sum(notes, 0) * np.exp(-time))
    return (0.05 * np.concatenate(sound)).astype(np.float32)


@pytest.mark.parametrize("tempo_bpm", [72, 80, 90, 100, 112, 120, 128, 140, 150, 160])
def test_the_tempo_of_a_click_track(tempo_bpm):
    analysis = analyse(clicks(tempo_bpm))
    assert analysis.tempo_bpm == pytest.approx(tempo_bpm, rel=0.02)
    assert analysis.tempo_confidence > 0.4


@pytest.mark.parametrize("tempo_bpm", [45, 60, 174, 200, 220])
def test_a_tempo_far_from_the_usual_may_be_off_by_an_octave_and_nothing_else(tempo_bpm):
    octaves = np.log2(analyse(clicks(tempo_bpm)).tempo_bpm / tempo_bpm)
    assert abs(octaves) < 1.1
    assert abs(octaves - round(octaves)) < 0.03


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_cadence(tonic, minor):
    analysis = analyse(chords(tonic, minor))
    assert analysis.key == f"{PITCH_NAMES[tonic]} {'minor' if minor else 'major'}"
    assert analysis.key_confidence > 0.5


@pytest.mark.parametrize(
    "waveform",
    [np.zeros(5 * RATE), np.full(5 * RATE, 0.5), np.random.default_rng(0).normal(scale=1e-6, size=5 * RATE)],
    ids=["silence", "direct current", "below hearing"],
)
def test_silence_has_neither_tempo_nor_key(waveform):
    analysis = analyse(waveform.astype(np.float32))
    assert (analysis.tempo_bpm, analysis.tempo_confidence) == (None, 0)
    assert (analysis.key, analysis.key_confidence) == (None, 0)


def test_noise_has_neither_tempo_nor_key():
    analysis = analyse(np.random.default_rng(1).normal(scale=0.1, size=20 * RATE).astype(np.float32))
    assert analysis.tempo_bpm is None
    assert analysis.key is None


def test_a_steady_tone_has_no_tempo():
    tone = np.sin(2 * np.pi * 440 * np.arange(20 * RATE) / RATE).astype(np.float32)
    assert analyse(tone).tempo_bpm is None


def test_the_level_does_not_matter():
    waveform = chords(9, minor=True)
    assert analyse(waveform) == analyse(waveform * np.float32(0.01))


@pytest.mark.parametrize("samples", [1, 100, 2_048, 11_025])
def test_the_shortest_of_sounds_is_analysed_without_a_warning(samples):
    waveform = np.random.default_rng(2).normal(scale=0.1, size=samples).astype(np.float32)
    analysis = analyse(waveform)
    assert 0 <= analysis.tempo_confidence <= 1
    assert 0 <= analysis.key_confidence <= 1
