from pathlib import Path

import pytest

from models.datasets.manifest_writer import write_manifest
from models.datasets.track import LabelledTrack
from models.errors import DatasetInvalid


def test_only_columns_that_are_filled_are_written(tmp_path):
    path = tmp_path / "x.csv"
    track = LabelledTrack("a.wav", Path("a.wav"), tags={"genre": frozenset({"rock", "jazz"})}, tempo_bpm=120.0)
    write_manifest(path, [track, LabelledTrack("b.wav", Path("b.wav"), attributes={"room": "hall"})])
    assert path.read_text() == "path,genre,tempo_bpm,room\na.wav,jazz;rock,120,\nb.wav,,,hall\n"


@pytest.mark.parametrize(
    ("track", "fault"),
    [
        (LabelledTrack("a", Path(), free_tags=frozenset({"a;b"})), "would be read as another tag"),
        (LabelledTrack("a", Path(), tags={"mood": frozenset({" sad"})}), "would be read as another tag"),
        (LabelledTrack("a", Path(), duplicates=frozenset({"b;c"})), "holds a ;"),
        (LabelledTrack("a", Path(), attributes={"bpm": "120"}), "would be read as another column"),
        (LabelledTrack("a", Path(), attributes={"artst": "Ann"}), "would be read as another column"),
        (LabelledTrack("a", Path(), title=" One"), "begins or ends with a blank"),
    ],
)
def test_what_would_not_read_back_is_refused_and_nothing_written(tmp_path, track, fault):
    with pytest.raises(DatasetInvalid, match=fault):
        write_manifest(tmp_path / "x.csv", [track])
    assert not list(tmp_path.iterdir())
