from collections import Counter
from pathlib import Path

import pytest

from models.datasets.collection import open_dataset, split_by_origin
from models.datasets.track import Dataset, LabelledTrack
from models.errors import DatasetInvalid


def dataset(*tracks):
    return Dataset("x", tuple(LabelledTrack(str(n), Path(), **facts) for n, facts in enumerate(tracks)))


def test_a_manifest_and_a_folder_are_opened_by_their_path(manifest, tmp_path):
    path = manifest("path,title", "a.wav,One")
    assert [track.title for track in open_dataset(str(path)).tracks] == ["One"]
    assert len(open_dataset(str(tmp_path))) == 10


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(DatasetInvalid, match="No such file"):
        open_dataset(str(tmp_path / "nowhere"))


def test_a_split_of_many_origins_has_the_shares():
    tracks = split_by_origin(dataset(*({"source": str(n // 2)} for n in range(400))), seed=1).tracks
    assert Counter(track.split for track in tracks) == {"train": 200, "validation": 100, "test": 100}


def test_another_seed_gives_another_split():
    whole = dataset(*({"source": str(n)} for n in range(40)))
    assert split_by_origin(whole, seed=1) != split_by_origin(whole, seed=2)


def test_splits_that_are_there_stay_and_draw_their_kin():
    whole = dataset(
        {"source": "a", "split": "test"}, {"source": "a"}, {"source": "b", "split": "train"}, {"source": "c"}
    )
    tracks = split_by_origin(whole, seed=0).tracks
    assert [track.split for track in tracks[:3]] == ["test", "test", "train"]
    assert tracks[3].split


def test_a_track_between_two_sides_is_refused():
    whole = dataset({"source": "a", "split": "test"}, {"source": "a", "split": "train"}, {"source": "a"})
    with pytest.raises(DatasetInvalid, match="0 and 2 more belong together, but are in test, train"):
        split_by_origin(whole, seed=0)


def test_a_whole_split_is_left_as_it_is():
    whole = dataset({"source": "a", "split": "test"}, {"source": "a", "split": "train"})
    assert split_by_origin(whole, seed=0) == whole
