import io
import shutil
import subprocess
import sys
from dataclasses import replace

import mido
import numpy as np
import pytest
from scipy.signal import resample_poly
from typer.testing import CliRunner

from models.__main__ import app
from models.analysis import analyse
from models.audio import decode
from models.datasets.manifest import read_manifest
from models.errors import DatasetInvalid, ScoreUnreadable
from models.rendering.render import check_folder, check_fonts, render, write_corpus
from models.rendering.rendered_piece import file_name, make_excerpt, render_piece
from models.rendering.score_folder import ScoreFolder
from models.rendering.settings import RenderSettings
from models.rendering.synthesis import RATE_HZ
from models.rendering.treatment import draw_treatment

PIECES = 4
BROKEN = "broken.mid"


def key_name(score):
    """As MIDI spells it."""
    majors = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    minors = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm")
    return (majors if score.mode == "major" else minors)[score.tonic]


def write_midi(path, score):
    """A score as a MIDI file."""
    midi = mido.MidiFile(type=1, ticks_per_beat=480)
    for number, part in enumerate(score.parts):
        track = mido.MidiTrack([mido.MetaMessage("key_signature", key=key_name(score))])
        midi.tracks.append(track)
        now = 0
        for tick, kind, note in sorted(messages(part), key=lambda message: message[:2]):
            told = {"note": note.pitch, "velocity": note.velocity, "channel": 9 if part.drums else number}
            track.append(mido.Message(kind, time=tick - now, **told))
            now = tick
    midi.save(path)


def messages(part):
    """When each note of a part begins and ends, in ticks."""
    for note in part.notes:
        yield round(480 * note.start_beats), "note_on", note
        yield round(480 * (note.start_beats + note.duration_beats)), "note_off", note


@pytest.fixture(scope="module")
def scores(tmp_path_factory, make_score):
    """A folder of a few pieces and of one file that is none."""
    folder = tmp_path_factory.mktemp("scores")
    for number in range(PIECES):
        write_midi(folder / f"Piece {number}.mid", make_score(tonic=number, mode=("major", "minor")[number % 2]))
    (folder / BROKEN).write_bytes(b"MThd, but no more")
    return ScoreFolder("tunes", folder)


@pytest.fixture
def settings(tmp_path, font):
    return RenderSettings(tmp_path / "corpus", (font,), takes=2, duration_s=6.0)


def rendered(source, settings, excerpts=6, jobs=1):
    outcomes = list(render([source], settings, excerpts, jobs))
    write_corpus(settings, outcomes)
    return outcomes


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_corpus_is_the_same_for_any_number_of_processes(scores, settings, tmp_path):
    rendered(scores, settings, jobs=1)
    elsewhere = replace(settings, out=tmp_path / "other")
    rendered(scores, elsewhere, jobs=2)
    assert files(settings.out) == files(elsewhere.out)
    tracks = read_manifest(settings.out / "manifest.csv").tracks
    assert len(tracks) == 6
    assert all(
        decode(io.BytesIO(track.path.read_bytes())).duration_s == pytest.approx(6, abs=0.2) for track in tracks
    )


def test_takes_of_a_piece_are_duplicates_of_each_other(scores, settings):
    piece = render_piece(scores, "Piece 1.mid", settings)
    one, other = piece.tracks
    assert one.duplicates == {other.id}
    assert other.duplicates == {one.id}
    assert one.tempo_bpm != other.tempo_bpm


def test_a_run_goes_on_where_it_stopped(scores, settings):
    first = render_piece(scores, "Piece 0.mid", settings)
    written = {track.path: track.path.stat().st_mtime_ns for track in first.tracks}
    again = render_piece(scores, "Piece 0.mid", settings)
    assert again.cpu_s == 0 < first.cpu_s
    assert [track.id for track in again.tracks] == [track.id for track in first.tracks]
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_a_file_that_went_missing_is_made_again(scores, settings):
    first = render_piece(scores, "Piece 0.mid", settings)
    content = first.tracks[1].path.read_bytes()
    first.tracks[1].path.unlink()
    assert render_piece(scores, "Piece 0.mid", settings).cpu_s > 0
    assert first.tracks[1].path.read_bytes() == content


def test_a_piece_whose_draws_are_unusable_leaves_no_files(make_score, settings, tmp_path):
    folder = tmp_path / "drums"
    folder.mkdir()
    score = make_score()
    write_midi(folder / "drums.mid", replace(score, parts=score.parts[-1:]))
    with pytest.raises(ScoreUnreadable, match=r"0 of 8 draws can be used: nothing to play \(8\)"):
        render_piece(ScoreFolder("drums", folder), "drums.mid", settings)
    assert not list(settings.out.rglob("*.*"))


def test_an_excerpt_is_the_same_whatever_was_rendered_before(scores, settings):
    score = scores.load("Piece 0.mid")
    first = make_excerpt(score, draw_treatment(0, "a", 0), settings)[1]
    make_excerpt(score, draw_treatment(0, "b", 0), settings)
    assert np.array_equal(make_excerpt(score, draw_treatment(0, "a", 0), settings)[1], first)


def test_files_of_different_pieces_have_different_names():
    names = {file_name("tunes", piece) for piece in ("A b.mid", "a-b.mid", "a/b.mid", "../a b.mid", "ä" * 300)}
    assert len(names) == 5
    assert all(name.parent.as_posix() == "tunes" and len(name.name) < 60 for name in names)


def test_a_folder_of_other_settings_is_not_added_to(settings):
    check_folder(settings)
    check_folder(settings)
    with pytest.raises(DatasetInvalid, match=r"seed: 0 there, 7 now(.|\n)*duration_s: 6.0 there, 9.0 now"):
        check_folder(replace(settings, seed=7, duration_s=9.0))


def test_a_soundfont_made_of_another_cannot_be_held_out(settings, font, tmp_path):
    twin = tmp_path / "twin.sf2"
    shutil.copy(font, twin)
    with pytest.raises(DatasetInvalid, match="100% of its instruments"):
        check_fonts(replace(settings, held_out=twin))


def test_soundfonts_of_one_name_are_refused(settings, font):
    with pytest.raises(DatasetInvalid, match="told apart by their names"):
        check_fonts(replace(settings, fonts=(font, font)))


def test_what_cannot_be_written_ends_the_run(scores, settings):
    settings.out.mkdir()
    (settings.out / "audio").write_bytes(b"a file where the folder should be")
    with pytest.raises(OSError, match="audio"):
        render_piece(scores, "Piece 0.mid", settings)


def test_workers_load_no_torch():
    loaded = "models.rendering.rendered_piece, models.rendering.score_folder"
    code = f"import sys, {loaded}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_what_is_heard_is_what_the_labels_say(make_score, settings, treat, mode):
    treatment = treat(tonic=7, tempo_bpm=132.0, articulation="staccato")
    rendering, samples = make_excerpt(make_score(mode=mode), treatment, replace(settings, duration_s=20.0))
    found = analyse(resample_poly(samples[0], 1, 2).astype(np.float32))
    assert found.key == rendering.key == f"G {mode}"
    assert found.tempo_bpm == pytest.approx(132, rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_drawn_delays_the_beginning(scores, settings, seed):
    _, samples = make_excerpt(scores.load("Piece 0.mid"), draw_treatment(seed, "a", 0), settings)
    opening = samples[:, : RATE_HZ // 2]
    assert (opening**2).mean() > 1e-4 * (samples**2).mean()


def run(*arguments):
    return CliRunner().invoke(app, ["corpus", "render", *map(str, arguments)])


def test_the_command_renders_and_says_what_it_took(scores, font, tmp_path):
    options = ("--soundfont", font, "--source", f"tunes={scores.folder}", "--takes", 2, "--seconds", 6, "--jobs", 1)
    result = run(tmp_path / "corpus", *options, "--excerpts", 4)
    assert result.exit_code == 0, result.output
    assert "4 excerpts of 2 pieces" in result.output
    assert "s of audio in" in result.output
    more = run(tmp_path / "corpus", *options, "--excerpts", 20)
    assert more.exit_code == 1
    assert f"{2 * PIECES} excerpts of {PIECES} pieces" in more.output
    assert BROKEN in more.output
    assert "20 were asked for" in more.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--soundfont absent.sf2 --source tunes={scores}", "There is no SoundFont"),
        ("--soundfont {scores}/broken.mid --source tunes={scores}", "is not a SoundFont"),
        ("--soundfont {font} --source tunes", "expected NAME=FOLDER"),
        ("--soundfont {font} --source tunes={scores}/absent", "there is no folder"),
        ("--soundfont {font} --source tunes={scores} --source tunes={scores}", "two sources are named tunes"),
        ("--soundfont {font} --source tunes={empty}", "no pieces were found"),
    ],
)
def test_the_command_refuses_what_cannot_be_used(scores, font, tmp_path, options, said):
    (tmp_path / "empty").mkdir()
    filled = options.format(scores=scores.folder, font=font, empty=tmp_path / "empty")
    result = run(tmp_path / "corpus", *filled.split())
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert not (tmp_path / "corpus").exists()
