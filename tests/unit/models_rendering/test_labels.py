from dataclasses import replace
from pathlib import Path

import pytest

from models.datasets.manifest import read_manifest
from models.datasets.manifest_writer import write_manifest
from models.rendering.labels import Rendering, labelled
from models.rendering.performance import perform

FILE = Path("audio/tests/cadences-0.mp3")


@pytest.fixture
def label(tmp_path):
    def make(score, treatment):
        rendering = Rendering(score, treatment, perform(score, treatment, 20.0), "font", "test")
        return labelled(rendering, tmp_path, FILE)

    return make


def test_labels_are_what_was_drawn_and_what_the_score_says(label, make_score, treat):
    track = label(make_score(mode="minor"), treat(tonic=9, tempo_bpm=77.7, ensemble="strings"))
    assert track.key == "A minor"
    assert track.tempo_bpm == 77.7
    assert track.tags["instrument"] == {"strings"}
    assert track.tags["genre"] == {"study"}
    assert track.tags["era"] == {"1800-1849"}
    assert (track.source, track.split, track.artist) == ("somebody", "test", "Somebody")


@pytest.mark.parametrize("absent", [{"tonic": None}, {"mode": None}, {"tonic": None, "mode": None}])
def test_a_score_without_a_key_gives_none(label, make_score, treat, absent):
    assert label(replace(make_score(), **absent), treat()).key is None


def test_what_is_not_known_is_no_tag(label, make_score, treat):
    track = label(replace(make_score(), genre=frozenset(), era="", mode=None), treat())
    assert set(track.tags) == {"instrument"}


def test_a_manifest_gives_the_labels_back(label, make_score, treat, tmp_path):
    track = label(make_score(title="A title\n of two  lines"), treat(tempo_bpm=101.25))
    track.path.parent.mkdir(parents=True)
    track.path.write_bytes(b"audio")
    write_manifest(tmp_path / "manifest.csv", [track])
    (read,) = read_manifest(tmp_path / "manifest.csv").tracks
    known = {name: value for name, value in track.attributes.items() if value}
    assert replace(read, attributes=known) == replace(track, attributes=known)
    assert read.title == "A title of two lines"
    assert known.items() <= read.attributes.items()
