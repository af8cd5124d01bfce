from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.analysis import TrackAnalysis
from models.datasets.manifest import read_manifest
from models.datasets.manifest_writer import write_manifest
from models.datasets.track import Dataset, LabelledTrack
from models.labelling.hearing import Hearing
from models.labelling.weak_labels import label, write_scores
from models.taggers.vocabulary import MSD

ANALYSIS = TrackAnalysis(120.5, 0.4, "A minor", 0.75)


def hearing(analysis=ANALYSIS, **of_tags):
    probabilities = np.full((2, 50), 0.001, np.float32)
    for tag, probability in of_tags.items():
        probabilities[:, MSD.index(tag)] = probability
    return Hearing(probabilities, analysis)


def collection(count=60, **first):
    tracks = [LabelledTrack(f"{number}.wav", Path(f"{number}.wav")) for number in range(count)]
    return Dataset("collection", (replace(tracks[0], **first), *tracks[1:]))


def heard_as(dataset, analysis=ANALYSIS, **of_tags):
    """The first tenth sounds like so, the others like nothing in particular."""
    names = [track.id for track in dataset.tracks]
    few = len(names) // 10
    return {name: hearing(analysis, **(of_tags if row < few else {})) for row, name in enumerate(names)}


def labelled(dataset, heard):
    return label(dataset, heard)[0].tracks


def test_what_is_not_known_is_filled_in_and_marked_as_weak():
    dataset = collection()
    first, *_, last = labelled(dataset, heard_as(dataset, jazz=0.6, ambient=0.2, **{"80s": 0.1}))
    assert first.tags == {"genre": {"jazz"}, "mood": {"ambient"}, "era": {"80s"}}
    assert (first.tempo_bpm, first.key) == (120.5, "A minor")
    assert first.attributes == {
        "labels": "teacher:msd_fcn+msd_crnn",
        "weak": "genre;mood;era;tempo_bpm;key",
        "tempo_confidence": "0.4",
        "key_confidence": "0.75",
    }
    assert last.tags == {}
    assert last.attributes["weak"] == "tempo_bpm;key"


def test_what_is_known_is_never_overwritten():
    dataset = collection(
        tags={"genre": frozenset({"opera"})}, tempo_bpm=90.0, key="C major", attributes={"year": "1999"}
    )
    first, *_ = labelled(dataset, heard_as(dataset, jazz=0.6, ambient=0.2))
    assert first.tags == {"genre": {"opera"}, "mood": {"ambient"}}
    assert (first.tempo_bpm, first.key) == (90.0, "C major")
    assert first.attributes == {"year": "1999", "labels": "teacher:msd_fcn+msd_crnn", "weak": "mood"}


def test_a_track_without_pulse_and_tonality_gets_neither_tempo_nor_key():
    dataset = collection()
    first, *_ = labelled(dataset, heard_as(dataset, TrackAnalysis(None, 0.0, None, 0.0)))
    assert first == dataset.tracks[0]


def test_a_track_that_was_not_heard_stays_as_it_is():
    dataset = collection()
    heard = heard_as(dataset, jazz=0.6)
    del heard["0.wav"]
    first, second, *_ = labelled(dataset, heard)
    assert first == dataset.tracks[0]
    assert second.tags == {"genre": {"jazz"}}


def test_tags_are_spelt_as_the_dataset_spells_them():
    dataset = collection()
    dataset = replace(
        dataset, tracks=(*dataset.tracks[:-1], replace(dataset.tracks[-1], tags={"genre": frozenset({"hip hop"})}))
    )
    first, *_ = labelled(dataset, heard_as(dataset, **{"Hip-Hop": 0.5}))
    assert first.tags == {"genre": {"hip hop"}}


def test_a_labelled_manifest_reads_back(tmp_path):
    dataset = collection()
    tracks = labelled(dataset, heard_as(dataset, jazz=0.6, ambient=0.2, **{"Progressive rock": 0.5}))
    write_manifest(tmp_path / "labelled.csv", tracks)
    for track in tracks:
        (tmp_path / track.id).write_bytes(b"audio")
    read = read_manifest(tmp_path / "labelled.csv").tracks
    assert [replace(track, path=Path(track.id)) for track in read] == [*tracks]


def test_scores_lie_beside_the_labels(tmp_path):
    dataset = collection()
    heard = heard_as(dataset, jazz=0.6)
    _, verdicts = label(dataset, heard)
    write_scores(tmp_path / "scores.npz", heard, verdicts)
    with np.load(tmp_path / "scores.npz") as scores:
        assert scores["ids"].tolist() == [*heard]
        assert scores["teachers"].tolist() == ["msd_fcn", "msd_crnn"]
        assert scores["probabilities"].shape == (60, 2, 50)
        jazz = scores["tags"].tolist().index("jazz")
        assert scores["probabilities"][0, 1, jazz] == pytest.approx(0.6)
        assert scores["given"][:, jazz].sum() == 6
