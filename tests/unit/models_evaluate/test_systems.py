"""The systems that are compared: what each makes of clips, and that none learns from what it must not see."""

import sys

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from models.datasets.track import LabelledTrack
from models.encoder import embed
from models.errors import ArtifactInvalid, AudioUnreadable, EvaluationImpossible, ToolMissing, WaveformTooShort
from models.evaluate.system import CLIP_RATE_HZ as RATE
from models.evaluate.system import Clip
from models.evaluate.systems import bliss
from models.evaluate.systems.bliss import BlissSystem
from models.evaluate.systems.frames import CodebookSystem, GaussianSystem
from models.evaluate.systems.lookup import PEERS, make_system
from models.evaluate.systems.shortcuts import ClipFactsSystem, FileFactsSystem, cutoff_hz, mean_spectrum
from models.evaluate.systems.standardised import standardised
from models.registry import SHIPPED, load_encoder

SPECS = ("librosa", "g1", "vq", "bliss", "file-facts", "clip-facts", "random-vectors")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(spec):
    """A system; one whose build does not run on this processor skips the test."""
    try:
        return make_system(spec)
    except ToolMissing as error:
        if "processor" not in str(error):
            raise
        pytest.skip(str(error))


def chord(hz, seconds=2.0, seed=0):
    """Two harmonic tones with a beat: something for every system."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hz * k * time) / k for k in (1, 2, 3, 1.5, 4.5)) * (1 + np.sin(4 * np.pi * time))
    return (0.05 * tones + 0.01 * np.random.default_rng(seed).standard_normal(len(time))).astype(np.float32)


def hiss(seconds=2.0, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Two chords that are alike, then two noises that are alike, with their files."""
    folder = tmp_path_factory.mktemp("clips")
    waveforms = [chord(220, seed=0), chord(220, seed=1), hiss(seed=2), hiss(seed=3)]
    found = []
    for number, waveform in enumerate(waveforms):
        path = folder / f"{number}.wav"
        wavfile.write(path, RATE, waveform)
        found.append(Clip(LabelledTrack(f"{number}", path), waveform))
    return found


def embedded(system, clips, training=None):
    measured = [system.measure(clip) for clip in clips]
    return system.embed(measured, np.ones(len(clips), bool) if training is None else np.array(training))


@pytest.mark.parametrize("spec", SPECS)
def test_every_system_is_found_by_its_name_and_bears_it(spec):
    system = made(spec)
    assert system.name == spec
    assert system.identity


@pytest.mark.parametrize("spec", SPECS)
def test_every_system_gives_one_finite_vector_per_track(spec, clips):
    found = embedded(made(spec), clips)
    assert found.system == spec
    assert found.vectors.dtype == np.float32
    assert len(found) == len(clips)
    assert np.isfinite(found.vectors).all()


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec != "bliss"])
def test_under_cosine_every_space_is_of_unit_length_or_zero(spec, clips):
    found = embedded(made(spec), clips)
    for space in found.spaces or [None]:
        length = np.linalg.norm(found.features(space), axis=1)
        assert np.all((np.abs(length - 1) < 1e-5) | (length == 0))


@pytest.mark.parametrize("spec", ["librosa", "g1", "vq", "bliss"])
def test_what_hears_music_finds_chords_closer_to_chords_than_to_noise(spec, clips):
    similarity = embedded(made(spec), clips).similarity(np.arange(4))
    assert similarity[0, 1] > similarity[0, 2:].max()
    assert similarity[2, 3] > similarity[2, :2].max()


@pytest.mark.parametrize("spec", SPECS)
def test_the_same_clips_give_the_same_vectors(spec, clips):
    np.testing.assert_array_equal(embedded(made(spec), clips).vectors, embedded(made(spec), clips).vectors)


@pytest.mark.parametrize("spec", ["librosa", "g1", "vq", "bliss", "clip-facts"])
def test_what_hears_the_clip_does_not_look_at_the_file(spec, clips, tmp_path):
    elsewhere = [Clip(LabelledTrack(clip.track.id, tmp_path / "none.wav"), clip.waveform) for clip in clips]
    np.testing.assert_array_equal(embedded(made(spec), clips).vectors, embedded(made(spec), elsewhere).vectors)


@pytest.mark.parametrize("spec", ["g1", "vq", "file-facts", "clip-facts"])
def test_nothing_is_learnt_from_tracks_that_are_not_for_training(spec, clips):
    """Another test track must not move the others."""
    other = Clip(clips[0].track, 5 * hiss(seed=9))
    system, training = made(spec), [True, True, True, False]
    one = embedded(system, clips, training).vectors
    two = embedded(system, [*clips[:3], other], training).vectors
    np.testing.assert_array_equal(one[:3], two[:3])


@pytest.mark.parametrize("spec", ["librosa", "g1", "bliss"])
def test_a_clip_too_short_is_refused(spec, clips):
    with pytest.raises(WaveformTooShort):
        made(spec).measure(Clip(clips[0].track, clips[0].waveform[:1_000]))


def test_an_encoder_gives_the_vector_that_it_gives_elsewhere(clips):
    encoder = load_encoder("librosa", "cpu")
    found = embedded(make_system("librosa", device="cpu"), clips)
    assert list(found.spaces) == [space.name for space in encoder.manifest.spaces]
    assert found.spaces["timbre"] == slice(0, encoder.manifest.spaces[0].dimension)
    assert found.vectors.shape[1] == encoder.manifest.dimension


def test_an_encoder_is_read_from_the_folder_that_is_named():
    spec = f"librosa@{SHIPPED / 'librosa'}"
    system = made(spec)
    assert system.name == spec
    assert system.identity == make_system("librosa").identity


def test_a_folder_without_an_artifact_is_refused(tmp_path):
    with pytest.raises(ArtifactInvalid, match="cannot be read"):
        make_system(f"librosa@{tmp_path}")


def test_by_its_bare_name_a_baseline_learns_here_and_with_a_folder_it_has_learnt_before(clips):
    here, before = make_system("vq"), make_system(f"vq@{SHIPPED / 'vq'}", device="cpu")
    assert (here.learns, before.learns) == (True, False)
    assert before.name == f"vq@{SHIPPED / 'vq'}"
    found = embedded(before, clips).vectors
    np.testing.assert_allclose(found[0], embed(load_encoder("vq", "cpu"), clips[0].waveform).vector, atol=1e-6)


def test_an_unknown_system_is_refused_with_those_that_there_are():
    with pytest.raises(EvaluationImpossible, match=r"'nothing'.*librosa, lstm, wavenet, g1, vq"):
        make_system("nothing")


def test_gaussian_and_codebook_share_what_they_measure():
    assert GaussianSystem().identity == CodebookSystem().identity


def test_the_gaussian_has_mean_and_deviation_of_52_features(clips):
    measured = GaussianSystem().measure(clips[0])
    frames = measured["frames"].astype(np.float64)
    assert measured["frames"].dtype == np.float16
    np.testing.assert_allclose(measured["gaussian"][:52], frames.mean(0), atol=0.1)
    np.testing.assert_allclose(measured["gaussian"][52:], frames.std(0), atol=0.1)


def test_the_codebook_has_256_words_or_as_many_as_there_are_frames(clips):
    assert embedded(CodebookSystem(), clips).vectors.shape == (4, 256)
    short = [Clip(clip.track, clip.waveform[: RATE // 2]) for clip in clips[:2]]
    assert embedded(CodebookSystem(), short).vectors.shape[1] == 2 * (1 + RATE // 2 // 512)


def test_other_seeds_give_other_random_vectors(clips):
    one, other = (embedded(make_system("random-vectors", seed=seed), clips).vectors for seed in (0, 1))
    assert np.abs(one - other).max() > 0.1


def test_random_vectors_know_the_track_and_not_the_sound(clips):
    changed = [Clip(clip.track, 2 * clip.waveform) for clip in clips]
    system = make_system("random-vectors")
    np.testing.assert_array_equal(embedded(system, clips).vectors, embedded(system, changed).vectors)


def test_facts_of_the_file_are_those_of_the_file(tmp_path):
    path = tmp_path / "a.wav"
    wavfile.write(path, 11_025, (hiss(1) * 32_767).astype(np.int16))
    measured = FileFactsSystem().measure(Clip(LabelledTrack("a", path), hiss()))
    _, channels, rate, bit_rate, duration, cutoff = measured["facts"]
    assert str(measured["codec"]) == "pcm_s16le"
    assert channels == 1
    assert 2**rate == pytest.approx(11_025)
    assert 2**bit_rate == pytest.approx(16 * 11_025, rel=0.01)
    assert 2**duration == pytest.approx(2, rel=0.01)
    assert 11_025 / 2 <= 2**cutoff < 1.2 * 11_025 / 2  # the slope of the resampler


def test_files_of_one_making_are_alike_whatever_is_played(tmp_path):
    clips = []
    for number, (rate, waveform) in enumerate([(RATE, hiss()), (RATE, chord(300)), (2 * RATE, hiss(seed=1))]):
        path = tmp_path / f"{number}.wav"
        samples = waveform if rate == RATE else np.stack([waveform, waveform], 1)
        wavfile.write(path, rate, samples)
        clips.append(Clip(LabelledTrack(str(number), path), hiss()))
    similarity = embedded(FileFactsSystem(), clips).similarity(np.arange(3))
    assert similarity[0, 1] > similarity[0, 2]


def test_facts_of_the_clip_tell_level_and_length():
    measure = ClipFactsSystem().measure
    length, level, peak, *_ = measure(Clip(LabelledTrack("a", None), hiss(4)))["facts"]
    assert 2**length == pytest.approx(4)
    assert level == pytest.approx(-20, abs=0.1)
    quiet = measure(Clip(LabelledTrack("a", None), hiss(4) / 10))["facts"]
    assert level - quiet[1] == pytest.approx(20, abs=1e-3)
    assert peak - quiet[2] == pytest.approx(20, abs=1e-3)


def test_the_cutoff_is_where_the_spectrum_ends():
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 3_000 * time).astype(np.float32)
    assert cutoff_hz(mean_spectrum(tone), RATE) == pytest.approx(3_000, abs=100)  # side lobes of the window
    assert cutoff_hz(mean_spectrum(hiss()), RATE) == pytest.approx(RATE / 2, abs=20)
    assert cutoff_hz(mean_spectrum(np.zeros(RATE, np.float32)), RATE) > 0


def test_standardised_columns_weigh_alike_and_constant_ones_nothing():
    rows = np.array([[1.0, 1_000.0, 7.0], [2.0, 3_000.0, 7.0], [3.0, 2_000.0, 7.0]])
    found = standardised(rows, np.ones(3, bool))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    assert (found[:, 2] == 0).all()
    np.testing.assert_allclose(standardised(rows * [1, 100, 1], np.ones(3, bool)), found, atol=1e-6)


def test_without_training_rows_all_are_learnt_from():
    rows = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(standardised(rows, np.zeros(5, bool)), standardised(rows, np.ones(5, bool)))


def test_a_missing_peer_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "bliss_audio", None)
    with pytest.raises(ToolMissing, match=r"soundkin\[peers\]"):
        BlissSystem()


def test_a_missing_codebook_library_says_how_to_get_it(monkeypatch, clips):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(ToolMissing, match=r"soundkin\[evaluation\]"):
        embedded(CodebookSystem(), clips)


def test_a_peer_that_was_built_for_another_processor_says_so_and_ends_nothing(monkeypatch):
    monkeypatch.setattr(bliss, "_TRIAL", "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    with pytest.raises(ToolMissing, match=r"another one \(SIGILL\)"):
        BlissSystem()


def test_a_panic_of_the_peer_refuses_the_track_only(monkeypatch, clips, capfd):
    system = made("bliss")
    monkeypatch.setattr(bliss, "MIN_SAMPLES", 0)
    with pytest.raises(AudioUnreadable, match="bliss cannot use the clip"):
        system.measure(Clip(clips[0].track, clips[0].waveform[:100]))


def test_the_peers_that_are_listed_can_be_made():
    assert set(PEERS) == set(SPECS) - {"librosa"}
