import av
import numpy as np
import pytest

from models.datasets.folder import read_folder
from models.errors import DatasetInvalid


@pytest.fixture
def tagged(tmp_path):
    """Writes a short FLAC file with these tags."""

    def write(place, **tags):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(path, "w", format="flac") as container:
            container.metadata.update(tags)
            stream = container.add_stream("flac", rate=8_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            frame.sample_rate = 8_000
            container.mux([*stream.encode(frame), *stream.encode(None)])
        return path

    return write


def test_what_the_tags_say_is_what_is_known(tagged, tmp_path):
    tagged(
        "one.flac",
        title="One",
        artist="Ann",
        album="First",
        genre="Jazz; Funk",
        date="1994-05-01",
        bpm="92",
        initialkey="Am",
    )
    (track,) = read_folder(tmp_path).tracks
    assert (track.id, track.title, track.artist, track.album) == ("one.flac", "One", "Ann", "First")
    assert track.tags == {"genre": {"Jazz", "Funk"}, "era": {"1990s"}}
    assert (track.tempo_bpm, track.key) == (92, "A minor")


def test_what_the_tags_do_not_say_stays_unknown(tagged, tmp_path):
    tagged("one.flac", genre="(None)", bpm="0", initialkey="o")
    (track,) = read_folder(tmp_path).tracks
    assert (track.title, track.artist, track.album, track.tags) == ("", "", "", {})
    assert (track.tempo_bpm, track.key) == (None, None)


def test_without_an_album_the_folder_is_the_album(tagged, tmp_path):
    for place in ("root.flac", "Ann/CD1/one.flac", "Ben/CD1/two.flac"):
        tagged(place)
    tagged("Ben/CD1/three.flac", album="Third")
    albums = {track.id: track.album for track in read_folder(tmp_path).tracks}
    assert albums == {
        "root.flac": "",
        "Ann/CD1/one.flac": "Ann/CD1",
        "Ben/CD1/two.flac": "Ben/CD1",
        "Ben/CD1/three.flac": "Third",
    }


def test_spellings_of_one_genre_are_made_one(tagged, tmp_path):
    for n, genre in enumerate(("Hip-Hop", "Hip-Hop", "hip hop", "Jazz")):
        tagged(f"{n}.flac", genre=genre)
    assert [sorted(track.tags["genre"]) for track in read_folder(tmp_path).tracks] == [["Hip-Hop"]] * 3 + [["Jazz"]]


def test_a_folder_without_audio_says_what_was_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("no music")
    (tmp_path / ".hidden.flac").write_text("no music")
    with pytest.raises(DatasetInvalid, match=r"there is no audio below it; looked for .*\.flac"):
        read_folder(tmp_path)
    with pytest.raises(DatasetInvalid, match="there is no such folder"):
        read_folder(tmp_path / "nowhere")


def test_files_that_cannot_be_opened_are_named_or_skipped(tagged, tmp_path):
    tagged("one.flac")
    for name in ("x.mp3", "y.ogg"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DatasetInvalid) as refused:
        read_folder(tmp_path)
    assert refused.value.faults == ("x.mp3: the file is empty", "y.ogg: the file is empty")
    dataset = read_folder(tmp_path, missing="skip")
    assert [track.id for track in dataset.tracks] == ["one.flac"]
    assert dataset.left_out == refused.value.faults


def test_a_folder_in_which_nothing_can_be_opened_is_refused(tmp_path):
    (tmp_path / "x.mp3").write_bytes(b"")
    with pytest.raises(DatasetInvalid, match=r"x\.mp3: the file is empty"):
        read_folder(tmp_path, missing="skip")
