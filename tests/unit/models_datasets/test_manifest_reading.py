import csv
from pathlib import Path

import pytest

from models.datasets.manifest import read_manifest
from models.errors import DatasetInvalid

RECORDINGS = Path(__file__).parents[3] / "benchmarks" / "recordings.csv"


def faults(path, **options):
    with pytest.raises(DatasetInvalid) as refused:
        read_manifest(path, **options)
    return list(refused.value.faults)


def test_a_manifest_gives_all_that_its_columns_say(manifest, tmp_path):
    path = manifest(
        "path,title,artist,album,licence,source,split,duplicates,genre,mood,instrument,era,tags,tempo_bpm,key,ensemble",
        "a.wav,One,Ann,First,CC0-1.0,B,train,b.wav,baroque; dance,calm,,1700,live; two  words,92.5,F# minor,trio",
        "b.wav,,,,,,,,,,,,,,,",
    )
    first, second = read_manifest(path).tracks
    assert (first.id, first.path) == ("a.wav", tmp_path / "a.wav")
    assert (first.title, first.artist, first.album, first.licence, first.source) == (
        "One",
        "Ann",
        "First",
        "CC0-1.0",
        "B",
    )
    assert first.split == "train"
    assert first.tags == {"genre": {"baroque", "dance"}, "mood": {"calm"}, "era": {"1700"}}
    assert first.free_tags == {"live", "two words"}
    assert (first.tempo_bpm, first.key) == (92.5, "F# minor")
    assert first.attributes == {"ensemble": "trio"}
    assert second.tags == {}
    assert second.tempo_bpm is None
    assert second.key is None


def test_other_names_of_columns_and_values_are_understood(manifest):
    path = manifest(
        "Path,License,Soundtrack,BPM,Key,Split,dup_of", "a.wav,CC0,Game,120,Bbm,valid,b.wav", "b.wav,,,,,VAL,"
    )
    first, second = read_manifest(path).tracks
    assert (first.licence, first.album, first.tempo_bpm, first.key) == ("CC0", "Game", 120, "A# minor")
    assert (first.split, second.split) == ("validation", "validation")


def test_a_byte_order_mark_and_empty_lines_do_not_matter(manifest):
    path = manifest("path,title", "", "a.wav,One", "  ,", "")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [track.title for track in read_manifest(path).tracks] == ["One"]


def test_paths_start_from_the_audio_folder(tmp_path, wav):
    wav(tmp_path / "audio" / "x" / "one.wav")
    listing = tmp_path / "list.csv"
    listing.write_text("path\nx/one.wav\n")
    (track,) = read_manifest(listing, tmp_path / "audio").tracks
    assert track.path == tmp_path / "audio" / "x" / "one.wav"
    assert "there is no such file" in faults(listing)[0]


def test_duplicates_hold_both_ways_and_through_a_third(manifest):
    path = manifest("path,duplicates", "a.wav,c.wav", "b.wav,c.wav", "c.wav,", "d.wav,")
    duplicates = {track.id: set(track.duplicates) for track in read_manifest(path).tracks}
    assert duplicates == {
        "a.wav": {"b.wav", "c.wav"},
        "b.wav": {"a.wav", "c.wav"},
        "c.wav": {"a.wav", "b.wav"},
        "d.wav": set(),
    }


def test_every_fault_is_named_with_its_line(manifest):
    path = manifest(
        "path,title,split,tempo_bpm,key,duplicates",
        "a.wav,One,trian,120,C major,",
        "b.wav,Two,train,fast,C major,",
        "gone.wav,Three,train,120,C major,",
        "c.wav,Four,train,120,H minor,",
        "d.wav,Five,train,120",
        "a.wav,Six,test,500,,",
        "e.wav,Seven,,,,nowhere/else.wav",
    )
    found = faults(path)
    assert [fault.split(":")[0] for fault in found] == [f"line {n}" for n in (2, 3, 4, 5, 6, 7, 7, 8)]
    assert "did you mean 'train'" in found[0]
    assert "'fast' is not a number from 20 to 400" in found[1]
    assert "gone.wav: there is no such file" in found[2]
    assert "'H minor'" in found[3]
    assert "4 fields; the header names 6" in found[4]
    assert any("'500'" in fault for fault in found[5:7])
    assert any("in line 2 already" in fault for fault in found[5:7])
    assert "is in no row" in found[7]


def test_without_a_column_path_the_columns_are_named(manifest):
    (fault,) = faults(manifest("title,artist", "One,Ann"))
    assert fault == "line 1: there is no column path; the columns are: title, artist"


def test_two_columns_of_one_meaning_are_a_fault(manifest):
    assert "'title' is there twice" in faults(manifest("path,title,title", "a.wav,x,y"))[0]
    assert "'license' and 'licence' both mean licence" in faults(manifest("path,license,licence", "a.wav,x,y"))[0]


@pytest.mark.parametrize(
    ("name", "meant"), [("artst", "artist"), ("intrument", "instrument"), ("tempo_bmp", "tempo_bpm")]
)
def test_a_misspelt_column_is_a_fault(manifest, name, meant):
    (fault,) = faults(manifest(f"path,{name}", "a.wav,x"))
    assert f"'{name}'" in fault
    assert f"did you mean '{meant}'" in fault


@pytest.mark.parametrize(
    "name", ["genre_tag", "album_tag", "artist_id", "year", "tier", "flags", "duration_s", "ensemble"]
)
def test_a_column_of_another_meaning_is_an_attribute(manifest, name):
    (track,) = read_manifest(manifest(f"path,{name}", "a.wav,x")).tracks
    assert track.attributes == {name: "x"}


@pytest.mark.parametrize("place", ["/etc/hosts", "../a.wav", "x/../../a.wav", ".", "x/.."])
def test_a_path_out_of_the_audio_folder_is_a_fault(manifest, place):
    (fault,) = faults(manifest("path,title", f"{place},x"))
    assert fault.startswith("line 2: path ")


def test_one_file_by_two_spellings_of_its_path_is_a_fault(manifest):
    assert "'./a.wav' is in line 2 already" in faults(manifest("path,title", "a.wav,x", "./a.wav,y"))[0]


def test_an_empty_and_an_unreadable_file_are_faults(manifest, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    (tmp_path / "folder.wav").mkdir()
    found = faults(manifest("path", "a.wav", "folder.wav"))
    assert "the file is empty" in found[0]
    assert "cannot be read (is a directory)" in found[1]


def test_a_file_without_permission_is_a_fault(manifest, monkeypatch):
    path = manifest("path", "a.wav")
    opened = Path.open

    def refuse(self, *arguments, **options):
        if self.name == "a.wav":
            raise PermissionError(13, "Permission denied")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    assert faults(path) == ["line 2: a.wav: the file cannot be read (permission denied)"]


def test_what_is_not_there_can_be_skipped_and_counted(manifest):
    path = manifest("path,duplicates", "a.wav,gone.wav", "gone.wav,", "b.wav,some/other/place.wav")
    dataset = read_manifest(path, missing="skip")
    assert [track.id for track in dataset.tracks] == ["a.wav", "b.wav"]
    assert all(not track.duplicates for track in dataset.tracks)
    assert len(dataset.left_out) == 2
    assert dataset.left_out[0] == "line 3: gone.wav: there is no such file"
    assert "is in no row" in dataset.left_out[1]


def test_skipping_does_not_excuse_a_misspelt_duplicate(manifest):
    path = manifest("path,duplicates", "a.wav,sogn.wav", "b.wav,")
    path.with_name("song.wav").write_bytes(b"x")
    path.write_text(path.read_text() + "song.wav,\n")
    assert "did you mean 'song.wav'" in faults(path, missing="skip")[0]


def test_a_track_is_not_its_own_duplicate(manifest):
    assert "its own duplicate" in faults(manifest("path,duplicates", "a.wav,a.wav"))[0]


def test_an_audio_folder_that_is_not_there_is_one_fault(manifest, tmp_path):
    path = manifest("path", "a.wav", "b.wav")
    assert faults(path, audio=tmp_path / "nowhere") == [
        f"line 1: the audio folder {tmp_path / 'nowhere'} is not there"
    ]


def test_a_file_that_is_no_table_is_refused(manifest, tmp_path):
    assert "it is empty" in faults(manifest())[0]
    assert "there is no row" in faults(manifest("path,title"))[0]
    assert "No such file" in faults(tmp_path / "nowhere.csv")[0]
    (tmp_path / "latin.csv").write_bytes("path,title\na.wav,Café\n".encode("latin-1"))
    assert "not UTF-8" in faults(tmp_path / "latin.csv")[0]
    assert any(
        "nothing after it was read" in fault for fault in faults(manifest("path,title", 'a.wav,"One', "b.wav,Two"))
    )


def test_the_line_of_a_row_after_a_quoted_break_is_right(manifest):
    found = faults(manifest("path,title", 'a.wav,"One\nof two lines"', "gone.wav,Two"))
    assert found == ["line 4: gone.wav: there is no such file"]


def test_the_list_of_recordings_reads_as_it_is(tmp_path):
    with RECORDINGS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows[1:]:
        place = tmp_path / row["path"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")
    dataset = read_manifest(RECORDINGS, tmp_path, missing="skip")
    assert [track.id for track in dataset.tracks] == [row["path"] for row in rows[1:]]
    assert {track.album for track in dataset.tracks} == {row["soundtrack"] for row in rows[1:]}
    assert any(rows[0]["path"] in reason for reason in dataset.left_out)
