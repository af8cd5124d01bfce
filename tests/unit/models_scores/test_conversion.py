import csv
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from models.errors import ScoreUnreadable
from models.rendering.conversion import Facts, convert_all, opened, spread
from models.rendering.score_folder import ScoreFolder


@dataclass
class Songs:
    """Sources COMPOSER/SONG; those called broken cannot be converted."""

    names: tuple[str, ...]
    midi: tuple[bytes, ...] = ()
    asked: tuple[str, ...] = ()

    def sources(self, folder):
        return self.names

    def facts(self, folder, source):
        return Facts(title=source, composer=source.partition("/")[0])

    def convert(self, folder, source):
        self.asked += (source,)
        if "broken" in source:
            raise ScoreUnreadable("it is broken")
        return self.midi


@pytest.fixture
def song(midi_file, played, scale) -> bytes:
    return midi_file(played(scale(16))).getvalue()


def converted(songs: Songs, out) -> list:
    with ThreadPoolExecutor(1) as executor:
        return list(convert_all(songs, out, spread(songs, out), out, executor))


def entries(file) -> list[dict[str, str]]:
    with file.open() as stream:
        return list(csv.DictReader(stream))


def test_sources_come_in_turns_of_one_from_every_composer(tmp_path):
    songs = Songs(("a/1", "a/2", "a/3", "b/1", "c/1", "c/2"))
    taken = [source for source, _ in spread(songs, tmp_path)]
    assert taken == ["a/1", "b/1", "c/1", "a/2", "c/2", "a/3"]
    assert [source for source, _ in spread(songs, tmp_path, limit=4)] == taken[:4]


def test_what_was_converted_can_be_loaded_with_its_facts(tmp_path, song):
    converted(Songs(("bach/air.ly",), midi=(song,)), tmp_path)
    source = ScoreFolder("old", tmp_path)
    assert source.pieces() == ["bach/air.mid"]
    assert source.load("bach/air.mid").composer == "bach"


def test_movements_are_pieces_of_their_own(tmp_path, song):
    converted(Songs(("bach/suite.1.ly",), midi=(song, song)), tmp_path)
    assert ScoreFolder("old", tmp_path).pieces() == ["bach/suite.1/1.mid", "bach/suite.1/2.mid"]


def test_refused_sources_are_listed_with_the_reason(tmp_path, song):
    broken, good = converted(Songs(("a/broken.ly", "b/song.ly"), midi=(song,)), tmp_path)
    assert (broken.reason, good.reason) == ("it is broken", "")
    assert entries(tmp_path / "refused.csv") == [{"source": "a/broken.ly", "reason": "it is broken"}]


def test_midi_that_is_no_piece_is_refused(tmp_path, song, midi_file):
    empty = midi_file([]).getvalue()
    (mixed,) = converted(Songs(("a/mixed.ly",), midi=(empty, song)), tmp_path)
    assert mixed.midi == (song,)
    (nothing,) = converted(Songs(("a/empty.ly",), midi=(empty,)), tmp_path)
    assert "no notes" in nothing.reason


def test_a_second_run_converts_only_what_is_new(tmp_path, song):
    converted(Songs(("a/1.ly", "b/broken.ly"), midi=(song,)), tmp_path)
    second = Songs(("a/1.ly", "a/2.ly", "b/broken.ly"), midi=(song,))
    assert [conversion.source for conversion in converted(second, tmp_path)] == ["a/2.ly"]
    assert second.asked == ("a/2.ly",)
    assert [row["path"] for row in entries(tmp_path / "index.csv")] == ["a/1.mid", "a/2.mid"]


def test_an_archive_is_opened_like_a_folder(tmp_path):
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores/a.ly").write_text("music")
    with tarfile.open(tmp_path / "scores.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "scores", arcname="scores")
    with opened(tmp_path / "scores.tar.xz") as folder:
        assert (folder / "scores/a.ly").read_text() == "music"
    assert not folder.exists()


def test_an_archive_cannot_write_outside(tmp_path):
    (tmp_path / "a.ly").write_text("music")
    with tarfile.open(tmp_path / "scores.tar", "w") as archive:
        archive.add(tmp_path / "a.ly", arcname="../outside.ly")
    with pytest.raises(tarfile.OutsideDestinationError), opened(tmp_path / "scores.tar"):
        pass
