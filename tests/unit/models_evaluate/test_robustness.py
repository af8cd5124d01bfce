"""Altered copies: who is found, what is left out, and what the baselines are."""

import numpy as np
import pytest
from scipy.io import wavfile

from models.datasets.track import Dataset, LabelledTrack
from models.evaluate import robustness
from models.evaluate.embedded import Embedded
from models.evaluate.robustness import altered_views, evaluate_robustness
from models.evaluate.system import CLIP_RATE_HZ as RATE
from models.evaluate.systems.shortcuts import FileFactsSystem
from models.evaluate.view import CANONICAL, ORIGINAL
from models.metrics.bootstrap import Resampling

RESAMPLING = Resampling(50)
TRACKS = 8


class Pitch:
    """Hears nothing but the strongest frequency, in semitones."""

    name = identity = "pitch"

    def measure(self, clip):
        spectrum = np.abs(np.fft.rfft(clip.waveform, 1 << 19))
        return {"pitch": np.array([12 * np.log2(spectrum.argmax() * RATE / (1 << 19))])}

    def embed(self, measured, training):
        self.training = training
        vectors = np.stack([track["pitch"] for track in measured]).astype(np.float32)
        return Embedded(self.name, vectors, metric="euclidean")


class Level(Pitch):
    """Hears nothing but the level, in dB."""

    name = identity = "level"

    def measure(self, clip):
        return {"pitch": np.array([10 * np.log10(np.square(clip.waveform).mean())])}


class Deaf(Pitch):
    """Gives all tracks the same vector."""

    name = identity = "deaf"

    def measure(self, clip):
        return {"pitch": np.zeros(1)}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Tones three semitones apart, each 2 dB louder than the one before; the last is a duplicate of the first."""
    folder = tmp_path_factory.mktemp("tones")
    time = np.arange(11 * RATE) / RATE
    tracks = []
    for number in range(TRACKS):
        pitch = 0 if number == TRACKS - 1 else number
        tone = 0.02 * 10 ** (number / 10) * np.sin(2 * np.pi * 220 * 2 ** (pitch / 4) * time)
        path = folder / f"{number}.wav"
        wavfile.write(path, RATE, tone.astype(np.float32))
        duplicates = frozenset({"0"} if number == TRACKS - 1 else ())
        tracks.append(
            LabelledTrack(str(number), path, split="train" if number < 4 else "test", duplicates=duplicates)
        )
    return Dataset("tones", tuple(tracks))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def report(dataset, cache):
    systems = [Pitch(), Level(), Deaf(), FileFactsSystem()]
    return evaluate_robustness(dataset, dataset, systems, CANONICAL, cache=cache, resampling=RESAMPLING)


def figure(report, task, system, measure="R@1"):
    return next(row for row in report.rows if (row.task, row.system) == (task, system)).figures[measure]


def test_what_an_alteration_leaves_alone_finds_every_original(report):
    for task in ("-12 dB", "mp3 48 kb/s", "noise 20 dB", "low-pass 4 kHz", "tempo +12 %", "15 s", "pitch +1 st"):
        assert figure(report, task, "pitch").value == 1, task
        assert figure(report, task, "pitch", "median rank").value == 1, task


def test_what_an_alteration_changes_loses_the_originals(report):
    """Two semitones up is nearer to the next tone, three semitones away; only the highest has none above it."""
    assert figure(report, "pitch +2 st", "pitch").value == pytest.approx(1 / TRACKS)


def test_likeness_is_kept_by_what_does_not_hear_an_alteration_and_lost_by_what_does(report):
    assert figure(report, "-12 dB", "pitch", "likeness kept").value == pytest.approx(1, abs=1e-3)
    moved = [figure(report, f"pitch +{step} st", "pitch", "likeness kept").value for step in (1, 2)]
    assert 1 > moved[0] > moved[1] > 0
    assert figure(report, "15 s", "deaf", "likeness kept").value == 0
    assert figure(report, "15 s", "random", "likeness kept").value == 0


def test_near_duplicates_do_not_stand_in_the_way(report):
    """The first and the last have one pitch: were they ranked, each would be found half of the time."""
    assert figure(report, "-12 dB", "pitch").value == 1


def test_the_level_is_canonical_in_the_canonical_view_alone(dataset, cache, monkeypatch):
    monkeypatch.setattr(robustness, "ALTERATIONS", {"-12 dB": robustness.ALTERATIONS["-12 dB"]})
    original = evaluate_robustness(dataset, dataset, [Level()], ORIGINAL, cache=cache, resampling=RESAMPLING)
    assert figure(original, "15 s", "level").value == 1
    assert figure(original, "-12 dB", "level").value < 0.5


def test_a_system_that_hears_nothing_is_as_good_as_chance(report):
    for measure in ("R@1", "MRR", "median rank"):
        assert figure(report, "15 s", "deaf", measure).value == figure(report, "15 s", "random", measure).value


def test_the_baselines_are_exact(report):
    """Of eight tracks, two of them duplicates of one another, these two rank seven and the others eight."""
    sizes = np.array([7, 8, 8, 8, 8, 8, 8, 7])
    assert figure(report, "15 s", "random").value == pytest.approx((1 / sizes).mean())
    harmonic = [np.mean(1 / np.arange(1, size + 1)) for size in sizes]
    assert figure(report, "15 s", "random", "MRR").value == pytest.approx(np.mean(harmonic))
    assert figure(report, "15 s", "random", "median rank").value == 4.5
    assert figure(report, "15 s", "worst").value == 0
    assert figure(report, "15 s", "worst", "MRR").value == pytest.approx((1 / sizes).mean())
    assert figure(report, "15 s", "worst", "median rank").value == 8


def test_what_looks_at_the_file_takes_no_part(report):
    assert "file-facts" not in {row.system for row in report.rows}


def test_every_alteration_is_a_task_with_all_systems_and_baselines(report):
    tasks = [view.name for view in altered_views(CANONICAL)]
    assert list(dict.fromkeys(row.task for row in report.rows)) == tasks
    assert len(report.rows) == len(tasks) * 5
    assert report.lower == {"median rank"}
    assert set(report.plots) == {"overview"}


def test_nothing_is_learnt_from_copies(dataset, cache):
    system = Pitch()
    evaluate_robustness(dataset, dataset, [system], CANONICAL, cache=cache, resampling=RESAMPLING)
    copies = len(altered_views(CANONICAL)) * TRACKS
    assert system.training.tolist() == [True] * 4 + [False] * 4 + [False] * copies


def test_without_a_training_split_the_gallery_is_learnt_from_and_the_copies_are_not(dataset, cache):
    bare = Dataset("bare", tuple(LabelledTrack(track.id, track.path) for track in dataset.tracks))
    system = Pitch()
    evaluate_robustness(bare, bare, [system], CANONICAL, cache=cache, resampling=RESAMPLING)
    assert system.training[:TRACKS].all()
    assert not system.training[TRACKS:].any()


def test_a_sample_of_queries_is_searched_in_the_whole_gallery(dataset, cache):
    queries = Dataset("some", dataset.tracks[2:4])
    found = evaluate_robustness(dataset, queries, [Pitch()], CANONICAL, cache=cache, resampling=RESAMPLING)
    assert (found.facts["gallery"], found.facts["queries"]) == (TRACKS, 2)
    assert figure(found, "15 s", "random").value == 1 / TRACKS
    assert figure(found, "15 s", "pitch").count == 2


def test_a_track_that_ends_before_a_copy_starts_is_not_asked_about(dataset, cache, tmp_path):
    path = tmp_path / "short.wav"
    wavfile.write(path, RATE, np.sin(np.arange(5 * RATE)).astype(np.float32))
    longer = Dataset("and short", (*dataset.tracks, LabelledTrack("short", path)))
    found = evaluate_robustness(longer, longer, [Pitch()], CANONICAL, cache=cache, resampling=RESAMPLING)
    assert found.facts["gallery"] == TRACKS + 1
    assert found.facts["queries"] == TRACKS
    assert found.facts["queries left out"] == 1


def test_whole_origins_are_resampled_when_asked(dataset, cache):
    one = Dataset("one", tuple(LabelledTrack(track.id, track.path, source="same") for track in dataset.tracks))
    found = evaluate_robustness(
        one, one, [Level()], CANONICAL, cache=cache, resampling=RESAMPLING, group_by_origin=True
    )
    value = figure(found, "pitch +2 st", "level")
    assert value.low == value.value == value.high


def test_copies_come_from_the_cache_the_second_time(dataset, cache, report, monkeypatch):
    def fail(*_):
        raise AssertionError("altered again")

    monkeypatch.setattr(robustness.ALTERATIONS["-12 dB"].__class__, "applied", fail)
    evaluate_robustness(dataset, dataset, [Pitch()], CANONICAL, cache=cache, resampling=RESAMPLING)
