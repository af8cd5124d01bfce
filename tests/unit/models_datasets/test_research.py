"""The data sets of researchers, in their documented form, a few tracks of each."""

import pytest

from models.datasets.collection import open_dataset
from models.datasets.gtzan import GENRES, read_gtzan
from models.datasets.magnatagatune import read_magnatagatune
from models.datasets.mtg_jamendo import read_mtg_jamendo
from models.errors import DatasetInvalid

SPLIT = {"train_filtered.txt": 0, "valid_filtered.txt": 1, "test_filtered.txt": 2}


def faults(read, *arguments, **options):
    with pytest.raises(DatasetInvalid) as refused:
        read(*arguments, **options)
    return list(refused.value.faults)


@pytest.fixture
def gtzan(tmp_path, wav):
    """Four tracks of every genre."""
    for genre in GENRES:
        for n in range(4):
            wav(tmp_path / "genres" / genre / f"{genre}.{n:05d}.wav")
    return tmp_path


@pytest.fixture
def filtered(gtzan):
    for name, n in SPLIT.items():
        (gtzan / name).write_text("".join(f"{genre}/{genre}.{n:05d}.wav\n" for genre in GENRES))
    return gtzan


def test_gtzan_gives_genres(gtzan):
    dataset = open_dataset(f"gtzan:{gtzan}")
    assert len(dataset) == 40
    track = dataset.tracks[0]
    assert (track.id, track.tags, track.split) == ("genres/blues/blues.00000.wav", {"genre": {"blues"}}, "")


def test_gtzan_takes_the_fault_filtered_split_and_leaves_the_rest_out(filtered):
    dataset = read_gtzan(filtered)
    assert [track.split for track in dataset.tracks[:3]] == ["train", "validation", "test"]
    assert len(dataset) == 30
    assert dataset.left_out[0] == "blues.00003: not in the fault-filtered split"


def test_gtzan_takes_tempi_where_they_are(gtzan):
    place = gtzan / "gtzan_tempo_beat-main" / "tempo" / "gtzan_blues_00001.bpm"
    place.parent.mkdir(parents=True)
    place.write_text("126.5\n")
    tempi = [track.tempo_bpm for track in read_gtzan(gtzan).tracks[:3]]
    assert tempi == [None, 126.5, None]


def test_gtzan_names_all_that_is_wrong(filtered):
    (filtered / "genres" / "rock" / "rock.00000.wav").unlink()
    (filtered / "test_filtered.txt").write_text("blues/blues.00000.wav\nnonsense\n")
    (filtered / "gtzan_pop_00000.bpm").write_text("quick")
    found = faults(read_gtzan, filtered)
    assert any("blues.00000 is in train_filtered.txt too" in fault for fault in found)
    assert any("test_filtered.txt line 2: 'nonsense'" in fault for fault in found)
    assert any("gtzan_pop_00000.bpm" in fault for fault in found)
    assert "genres/rock/rock.00000.wav: there is no such file" in found
    (filtered / "valid_filtered.txt").unlink()
    assert any("there is no valid_filtered.txt" in fault for fault in faults(read_gtzan, filtered))


def test_gtzan_without_a_genre_or_at_all_is_refused(gtzan, tmp_path):
    for path in (gtzan / "genres" / "rock").iterdir():
        path.unlink()
    (gtzan / "genres" / "rock").rmdir()
    assert faults(read_gtzan, gtzan) == ["there is no folder rock"]
    assert "there is no folder of a genre" in faults(read_gtzan, tmp_path / "genres" / "blues")[0]


TAGS = ("guitar", "slow", "no voice", "rock")
CLIP_COLUMNS = (
    *("clip_id", "track_number", "title", "artist", "album", "url"),
    *("segmentStart", "segmentEnd", "original_url", "mp3_path"),
)


def quoted(*fields):
    return "\t".join(f'"{field}"' for field in fields) + "\n"


@pytest.fixture
def magnatagatune(tmp_path, wav):
    places = [f"{folder}/ann-first-0{n}-song-0-29.mp3" for n, folder in enumerate("0bcdf")]
    for place in places:
        wav(tmp_path / "mp3" / "x.wav").rename(tmp_path / "mp3" / place.replace("/", "_"))
        (tmp_path / "mp3" / place).parent.mkdir(exist_ok=True)
        (tmp_path / "mp3" / place.replace("/", "_")).rename(tmp_path / "mp3" / place)
    cells = [(1, 0, 0, 1), (1, 1, 0, 0), (1, 0, 0, 0), (0, 1, 1, 0), (0, 0, 0, 0)]
    rows = [quoted(n, *row, place) for n, (row, place) in enumerate(zip(cells, places, strict=True))]
    (tmp_path / "annotations_final.csv").write_text(quoted("clip_id", *TAGS, "mp3_path") + "".join(rows))
    clips = [quoted(n, 1, "Song", "Ann", "First", "u", 0, 29, "o", place) for n, place in enumerate(places)]
    (tmp_path / "clip_info_final.csv").write_text(quoted(*CLIP_COLUMNS) + "".join(clips))
    return tmp_path


def test_magnatagatune_gives_tags_and_the_usual_split(magnatagatune):
    dataset = open_dataset(f"magnatagatune:{magnatagatune}")
    assert [track.split for track in dataset.tracks] == ["train", "train", "validation", "test", "test"]
    first, second = dataset.tracks[:2]
    assert (first.title, first.artist, first.album) == ("Song", "Ann", "First")
    assert first.tags == {"genre": {"rock"}, "instrument": {"guitar"}}
    assert second.free_tags == {"slow"}


def test_magnatagatune_keeps_the_most_frequent_tags(magnatagatune):
    dataset = read_magnatagatune(magnatagatune, top=2)
    kept = {tag for track in dataset.tracks for tag in track.free_tags.union(*track.tags.values())}
    assert kept == {"guitar", "slow"}


def test_magnatagatune_names_all_that_is_wrong(magnatagatune):
    annotations = magnatagatune / "annotations_final.csv"
    lines = annotations.read_text().splitlines(keepends=True)
    lines[1] = lines[1].replace('"1"', '"2"', 1)
    lines[2] = quoted(99, 0, 0, 0, 0, "b/ann-first-01-song-0-29.mp3")
    lines[3] = quoted(2, 0, 0, 0, 0, "z/other.mp3")
    lines[4] = quoted(3, 0, 0)
    annotations.write_text("".join(lines))
    (magnatagatune / "mp3" / "f" / "ann-first-04-song-0-29.mp3").write_bytes(b"")
    found = faults(read_magnatagatune, magnatagatune)
    assert len(found) == 5
    assert any("line 2: tag 'guitar' is '2'; expected 0 or 1" in fault for fault in found)
    assert any("clip 99 is not in clip_info_final.csv" in fault for fault in found)
    assert any("'z/other.mp3' does not begin" in fault for fault in found)
    assert any("line 5: 3 fields; the header names 6" in fault for fault in found)
    assert "f/ann-first-04-song-0-29.mp3: the file is empty" in found


def test_magnatagatune_without_a_list_is_refused(magnatagatune):
    (magnatagatune / "clip_info_final.csv").write_text("clip_id,artist\n1,Ann\n")
    assert "there is no column artist" in faults(read_magnatagatune, magnatagatune)[1]
    (magnatagatune / "clip_info_final.csv").unlink()
    assert "No such file" in faults(read_magnatagatune, magnatagatune)[0]


JAMENDO = (
    "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS",
    "track_0000214\tartist_000014\talbum_000031\t14/214.mp3\t124.6\tgenre---punkrock\tinstrument---guitar",
    "track_0000215\tartist_000014\talbum_000031\t15/215.mp3\t151.4\tmood/theme---happy\tmood/theme---summer",
    "track_0000382\tartist_000020\talbum_000046\t82/382.mp3\t211.1\tgenre---pop",
)


@pytest.fixture
def jamendo(tmp_path, wav):
    (tmp_path / "data" / "splits" / "split-0").mkdir(parents=True)
    (tmp_path / "data" / "autotagging.tsv").write_text("\n".join(JAMENDO) + "\n")
    for line, split in zip(JAMENDO[1:], ("train", "validation", "test"), strict=True):
        place = tmp_path / "data" / "splits" / "split-0" / f"autotagging-{split}.tsv"
        place.write_text(f"{JAMENDO[0]}\n{line}\n")
    for place in ("14/214.mp3", "15/215.low.mp3", "82/382.mp3"):
        path = tmp_path / "audio" / place
        wav(path.with_suffix(".wav")).rename(path)
    return tmp_path


def test_mtg_jamendo_gives_tags_by_category_and_a_published_split(jamendo):
    first, second, third = open_dataset(f"mtg-jamendo:{jamendo}").tracks
    assert first.tags == {"genre": {"punkrock"}, "instrument": {"guitar"}}
    assert second.tags == {"mood": {"happy", "summer"}}
    assert (first.artist, first.album, first.attributes["duration_s"]) == ("artist_000014", "album_000031", "124.6")
    assert [track.split for track in (first, second, third)] == ["train", "validation", "test"]
    assert second.path.name == "215.low.mp3"


def test_mtg_jamendo_reads_any_of_its_lists_and_another_audio_folder(jamendo):
    listing = jamendo / "data" / "autotagging.tsv"
    other = listing.with_name("autotagging_genre.tsv")
    listing.rename(other)
    (jamendo / "audio").rename(jamendo / "elsewhere")
    for path in (jamendo / "data" / "splits" / "split-0").iterdir():
        path.unlink()
    (jamendo / "data" / "splits" / "split-0").rmdir()
    dataset = open_dataset(f"mtg-jamendo:{other}", jamendo / "elsewhere")
    assert [track.split for track in dataset.tracks] == ["", "", ""]


def test_mtg_jamendo_names_all_that_is_wrong(jamendo):
    listing = jamendo / "data" / "autotagging.tsv"
    listing.write_text(
        "\n".join([*JAMENDO[:3], "track_1\tartist_1", JAMENDO[3].replace("genre---", "style---")]) + "\n"
    )
    (jamendo / "audio" / "14" / "214.mp3").unlink()
    split = jamendo / "data" / "splits" / "split-0"
    (split / "autotagging-test.tsv").write_text((split / "autotagging-train.tsv").read_text())
    (split / "autotagging-validation.tsv").unlink()
    found = faults(read_mtg_jamendo, jamendo)
    assert any("there is no autotagging-validation.tsv" in fault for fault in found)
    assert any("track_0000214 is in train too" in fault for fault in found)
    assert any("line 4: 2 fields" in fault for fault in found)
    assert any("tag 'style---pop'; expected genre---…" in fault for fault in found)
    assert "14/214.mp3: there is no such file" in found


def test_mtg_jamendo_of_another_form_is_refused(jamendo, tmp_path):
    (jamendo / "data" / "autotagging.tsv").write_text("id,path\n1,x\n")
    assert "expected TRACK_ID ARTIST_ID" in faults(read_mtg_jamendo, jamendo)[0]
    assert "there is none of data/autotagging.tsv" in faults(read_mtg_jamendo, tmp_path / "audio")[0]
