"""Tracks are decoded once, measured once, and what was measured survives interruption and damage."""

import threading
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from models.datasets.track import Dataset, LabelledTrack
from models.errors import EvaluationImpossible, WaveformTooShort
from models.evaluate import listening
from models.evaluate.embedded import Embedded
from models.evaluate.evaluation import Evaluation, Manner
from models.evaluate.listening import listen, measure_views
from models.evaluate.measurements import Measurements
from models.evaluate.system import CLIP_RATE_HZ as RATE
from models.evaluate.view import CANONICAL, ORIGINAL, View


class Spy:
    """Measures the length, and remembers what it was asked."""

    def __init__(self, name="spy", identity=None, least_s=0.0, *, learns=True):
        self.name = name
        self.learns = learns
        self.identity = identity or name
        self.least_s = least_s
        self.heard = []
        self.training = None

    def measure(self, clip):
        self.heard.append(clip.track.id)
        if len(clip.waveform) < self.least_s * RATE:
            raise WaveformTooShort(f"{self.name} needs {self.least_s} s.")
        return {"length": np.array([len(clip.waveform)], np.float32)}

    def embed(self, measured, training):
        self.training = training
        return Embedded(self.name, np.stack([track["length"] for track in measured]), metric="euclidean")


@pytest.fixture
def dataset(tmp_path):
    """Four tracks of 1 to 4 s, of which the last is for testing."""
    generator = np.random.default_rng(0)
    tracks = []
    for number in range(1, 5):
        path = tmp_path / f"{number}.wav"
        wavfile.write(path, RATE, (0.1 * generator.standard_normal(number * RATE)).astype(np.float32))
        tracks.append(LabelledTrack(str(number), path, split="test" if number == 4 else "train"))
    return Dataset("four", tuple(tracks))


@pytest.fixture
def decoded(monkeypatch):
    """Ids of the tracks that were decoded."""
    ids = []
    decode_track = listening.decode_track
    monkeypatch.setattr(listening, "decode_track", lambda track: ids.append(track.id) or decode_track(track))
    return ids


def with_text(dataset, tmp_path, name="text.mp3"):
    (tmp_path / name).write_text("no music")
    return Dataset(dataset.name, (*dataset.tracks, LabelledTrack(name, tmp_path / name)))


@pytest.mark.parametrize("jobs", [1, 3])
def test_rows_stand_in_the_order_of_the_dataset(dataset, tmp_path, jobs):
    heard = listen(dataset, [Spy()], CANONICAL, tmp_path / "cache", jobs=jobs)
    assert heard.dataset == dataset
    np.testing.assert_array_equal(heard.embedded[0].vectors[:, 0], [RATE, 2 * RATE, 3 * RATE, 4 * RATE])


def test_a_track_is_decoded_once_for_all_systems_and_views(dataset, tmp_path, decoded):
    measure_views(dataset, [Spy("a"), Spy("b")], [CANONICAL, ORIGINAL], tmp_path / "cache")
    assert sorted(decoded) == ["1", "2", "3", "4"]


def test_nothing_is_measured_twice(dataset, tmp_path, decoded):
    listen(dataset, [Spy()], CANONICAL, tmp_path / "cache")
    decoded.clear()
    again = Spy()
    heard = listen(dataset, [again], CANONICAL, tmp_path / "cache")
    assert again.heard == decoded == []
    assert len(heard.dataset) == 4


def test_only_what_is_missing_is_measured(dataset, tmp_path):
    listen(dataset, [Spy("old")], CANONICAL, tmp_path / "cache")
    old, new = Spy("old"), Spy("new")
    listen(dataset, [old, new], CANONICAL, tmp_path / "cache")
    assert old.heard == []
    assert sorted(new.heard) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("changed", ["identity", "view", "file", "id"])
def test_whatever_changes_the_sound_or_the_measure_is_measured_anew(dataset, tmp_path, changed):
    cache = tmp_path / "cache"
    listen(dataset, [Spy()], CANONICAL, cache)
    again = Spy(identity="spy 2" if changed == "identity" else None)
    if changed == "file":
        dataset.tracks[0].path.write_bytes(dataset.tracks[1].path.read_bytes())
    if changed == "id":
        dataset = Dataset("renamed", (LabelledTrack("other", dataset.tracks[0].path),))
    listen(dataset, [again], View("short", duration_s=0.5) if changed == "view" else CANONICAL, cache)
    assert len(again.heard) == (1 if changed in {"file", "id"} else 4)


def test_files_that_were_moved_are_not_measured_anew(dataset, tmp_path):
    listen(dataset, [Spy()], CANONICAL, tmp_path / "cache")
    moved = []
    for track in dataset.tracks:
        (tmp_path / "moved").mkdir(exist_ok=True)
        moved.append(LabelledTrack(track.id, track.path.rename(tmp_path / "moved" / track.path.name)))
    again = Spy()
    listen(Dataset("moved", tuple(moved)), [again], CANONICAL, tmp_path / "cache")
    assert again.heard == []


def test_systems_of_one_identity_share_what_is_measured(dataset, tmp_path):
    one, other = Spy("one", "same"), Spy("other", "same")
    heard = listen(dataset, [one, other], CANONICAL, tmp_path / "cache")
    assert len(one.heard) + len(other.heard) == 4
    assert [system.system for system in heard.embedded] == ["one", "other"]


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped"])
def test_a_damaged_entry_is_measured_again(dataset, tmp_path, damage):
    listen(dataset, [Spy()], CANONICAL, tmp_path / "cache")
    entry = min((tmp_path / "cache").rglob("*.npz"))
    data = bytearray(entry.read_bytes())
    if damage == "flipped":
        data[data.rindex(b"\n", 0, data.index(b"PK\x01\x02")) + 1] ^= 0xFF
    entry.write_bytes(b"" if damage == "empty" else data[: len(data) // 2] if damage == "cut" else data)
    again = Spy()
    heard = listen(dataset, [again], CANONICAL, tmp_path / "cache")
    assert len(again.heard) == 1
    np.testing.assert_array_equal(heard.embedded[0].vectors[:, 0], [RATE, 2 * RATE, 3 * RATE, 4 * RATE])


def test_an_interrupted_run_goes_on_where_it_stopped(dataset, tmp_path):
    class Interrupted(Spy):
        def measure(self, clip):
            if clip.track.id == "3":
                raise KeyboardInterrupt
            return super().measure(clip)

    with pytest.raises(KeyboardInterrupt):
        listen(dataset, [Interrupted()], CANONICAL, tmp_path / "cache")
    again = Spy()
    listen(dataset, [again], CANONICAL, tmp_path / "cache")
    assert "1" not in again.heard
    assert "3" in again.heard


def test_nothing_half_written_is_left(dataset, tmp_path):
    listen(dataset, [Spy()], CANONICAL, tmp_path / "cache", jobs=2)
    files = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(files) == 4
    assert not any(name.startswith(".") for name in files)


def test_a_track_that_one_system_cannot_use_is_left_out_for_all(dataset, tmp_path):
    heard = listen(dataset, [Spy("any"), Spy("long", least_s=1.5)], CANONICAL, tmp_path / "cache")
    assert [track.id for track in heard.dataset.tracks] == ["2", "3", "4"]
    assert [len(system) for system in heard.embedded] == [3, 3]
    assert heard.refusals == {"1": "long needs 1.5 s."}


def test_unreadable_and_missing_files_are_left_out_with_their_paths(dataset, tmp_path):
    broken = with_text(dataset, tmp_path)
    broken = Dataset("x", (*broken.tracks, LabelledTrack("gone", tmp_path / "gone.wav")))
    heard = listen(broken, [Spy()], CANONICAL, tmp_path / "cache")
    assert heard.dataset.tracks == dataset.tracks
    assert "text.mp3: This is not an audio file" in heard.refusals["text.mp3"]
    assert "gone.wav: No such file" in heard.refusals["gone"]


def test_when_nothing_can_be_heard_the_first_reason_is_told(tmp_path):
    nothing = with_text(Dataset("empty", ()), tmp_path)
    with pytest.raises(EvaluationImpossible, match=r"Not one of the 1 tracks of 'empty'.*not an audio file"):
        listen(nothing, [Spy()], CANONICAL, tmp_path / "cache")


def test_systems_learn_from_the_training_split_alone(dataset, tmp_path):
    spy = Spy()
    listen(dataset, [spy], CANONICAL, tmp_path / "cache")
    assert spy.training.tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("learn", "split", "heard"),
    [
        ((False, False), "test", "4"),
        ((False, True), "test", "1234"),
        ((False, False), "", "1234"),
    ],
)
def test_only_what_is_asked_about_is_listened_to_unless_a_system_learns(dataset, tmp_path, learn, split, heard):
    spies = [Spy(str(number), learns=learns) for number, learns in enumerate(learn)]
    evaluation = Evaluation(dataset, spies, tmp_path / "cache", Manner(split=split))
    asked = evaluation.asked
    assert all(sorted(spy.heard) == [*heard] for spy in spies)
    assert [track.id for track in asked.dataset.tracks] == (["4"] if split else [*"1234"])
    assert [track.id for track in evaluation.heard.dataset.tracks] == [*"1234"]


def test_a_split_that_is_empty_is_refused_whether_or_not_a_system_learns(dataset, tmp_path):
    for learns in (True, False):
        evaluation = Evaluation(dataset, [Spy(learns=learns)], tmp_path / "cache", Manner(split="validation"))
        with pytest.raises(EvaluationImpossible, match=r"'validation'; there are: test, train\."):
            _ = evaluation.asked


def test_one_split_is_a_part_of_rows_and_tracks(dataset, tmp_path):
    test = listen(dataset, [Spy()], CANONICAL, tmp_path / "cache").of_split("test")
    assert [track.id for track in test.dataset.tracks] == ["4"]
    assert test.embedded[0].vectors.tolist() == [[4 * RATE]]


def test_a_split_without_tracks_is_refused_with_those_that_there_are(dataset, tmp_path):
    heard = listen(dataset, [Spy()], CANONICAL, tmp_path / "cache")
    with pytest.raises(EvaluationImpossible, match=r"'validation'; there are: test, train\."):
        heard.of_split("validation")


def test_progress_is_told_after_each_track_in_the_calling_thread(dataset, tmp_path):
    told = []
    listen(
        dataset,
        [Spy()],
        CANONICAL,
        tmp_path / "cache",
        jobs=2,
        on_progress=lambda track: told.append((track.id, threading.current_thread() is threading.main_thread())),
    )
    assert told == [(str(number), True) for number in range(1, 5)]


def test_a_fault_of_a_program_is_not_taken_for_a_fault_of_a_track(dataset, tmp_path):
    class Wrong(Spy):
        def measure(self, clip):
            raise TypeError("a mistake")

    with pytest.raises(TypeError, match="a mistake"):
        listen(dataset, [Wrong()], CANONICAL, tmp_path / "cache")


def test_arrays_are_read_from_disk_when_they_are_asked_for(tmp_path):
    track = LabelledTrack("a", Path("a.wav"))
    kept = Measurements(tmp_path)
    kept.keep("digest", track, CANONICAL, "x", {"one": np.arange(3), "text": np.array("mp3")})
    stored = kept.stored("digest", track, CANONICAL, "x")
    assert stored.whole
    assert sorted(stored) == ["one", "text"]
    assert len(stored) == 2
    assert stored["one"].tolist() == [0, 1, 2]
    assert str(stored["text"]) == "mp3"


def test_a_cache_that_cannot_be_written_ends_the_run_instead_of_refusing_every_track(dataset, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(OSError, match="cache"):
        listen(dataset, [Spy()], CANONICAL, tmp_path / "cache")
