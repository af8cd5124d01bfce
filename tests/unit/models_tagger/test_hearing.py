import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from models.__main__ import app
from models.datasets.folder import read_folder
from models.datasets.manifest import read_manifest
from models.errors import ArtifactInvalid, AudioUnreadable
from models.labelling.hearing import TEACHERS, levelled, listen_to_all, middle, read_teachers
from models.track_frames import LEVEL_RMS

RATE_HZ = 22_050


@pytest.fixture(scope="module")
def weights(tmp_path_factory, write_weights):
    folder = tmp_path_factory.mktemp("weights")
    for name in TEACHERS:
        write_weights(folder, name)
    return folder


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder of three files: two tracks that differ in level only, and one that is no audio."""
    folder = tmp_path_factory.mktemp("music")
    beat = np.random.default_rng(0).standard_normal(4 * RATE_HZ) * (np.arange(4 * RATE_HZ) % 11_025 < 2_000)
    soundfile.write(folder / "loud.wav", (0.2 * beat).clip(-1, 1), RATE_HZ, subtype="FLOAT")
    soundfile.write(folder / "quiet.wav", (0.02 * beat).clip(-0.1, 0.1), RATE_HZ, subtype="FLOAT")
    (folder / "text.wav").write_text("no audio")
    return folder


def test_tracks_are_heard_in_order_and_what_is_no_audio_is_named(music, weights, tmp_path):
    heard = listen_to_all(read_folder(music), read_teachers(weights), tmp_path, jobs=2)
    by_name = {track.id: hearing for track, hearing in heard}
    assert [*by_name] == ["loud.wav", "quiet.wav", "text.wav"]
    assert by_name["loud.wav"].probabilities.shape == (2, 50)
    assert isinstance(by_name["text.wav"], str)
    assert by_name["text.wav"]


def test_the_level_of_a_file_changes_no_tag(music, weights):
    teachers = read_teachers(weights)
    loud, quiet = (teachers.listen(music / f"{name}.wav").probabilities for name in ("loud", "quiet"))
    np.testing.assert_allclose(loud, quiet, atol=1e-4)


def test_what_was_heard_is_not_heard_again(music, weights, tmp_path, monkeypatch):
    teachers, dataset = read_teachers(weights), readable(music)
    first = [hearing for _, hearing in listen_to_all(dataset, teachers, tmp_path, jobs=1)]
    monkeypatch.setattr("models.labelling.hearing.decode", None)
    again = [hearing for _, hearing in listen_to_all(dataset, teachers, tmp_path, jobs=1)]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
        assert one.analysis == other.analysis


def readable(music):
    """The tracks that are audio."""
    dataset = read_folder(music)
    return replace(dataset, tracks=dataset.tracks[:2])


def test_other_teachers_hear_for_themselves(weights, tmp_path, write_weights):
    for name in TEACHERS:
        shutil.copy(weights / f"{name}.pth", tmp_path)
    same = read_teachers(tmp_path).identity
    write_weights(tmp_path, TEACHERS[0], seed=1)
    assert read_teachers(weights).identity == same
    assert read_teachers(tmp_path).identity != same
    assert read_teachers(weights, 29.0).identity != same


def test_a_missing_teacher_is_refused(tmp_path, write_weights):
    write_weights(tmp_path, "msd_fcn")
    with pytest.raises(ArtifactInvalid, match=r"msd_crnn\.pth cannot be read"):
        read_teachers(tmp_path)


def test_the_middle_of_a_long_track_and_all_of_a_short_one_are_heard():
    waveform = np.arange(10 * RATE_HZ, dtype=np.float32)
    np.testing.assert_array_equal(middle(waveform, 4.0), waveform[3 * RATE_HZ : 7 * RATE_HZ])
    np.testing.assert_array_equal(middle(waveform, 30.0), waveform)


def test_silence_is_refused_and_all_else_comes_to_one_level():
    sound = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)
    assert np.sqrt((levelled(sound) ** 2).mean()) == pytest.approx(LEVEL_RMS, rel=0.02)
    with pytest.raises(AudioUnreadable, match="silent"):
        levelled(sound * 1e-6)


def test_the_command_writes_a_manifest_and_scores_and_names_what_it_left_out(music, weights, tmp_path, monkeypatch):
    monkeypatch.setattr("models.labelling.rule.MIN_TRACKS", 2)
    out = tmp_path / "out" / "labelled.csv"
    result = label(music, weights, out)
    assert result.exit_code == 1
    assert "left out" in result.output
    assert "text.wav" in result.output
    assert "era, kappa (tracks): " in result.output
    loud, *_, text = read_manifest(out, music).tracks
    assert loud.tempo_bpm is not None
    assert text.tempo_bpm is None
    with np.load(out.with_name("labelled.scores.npz")) as scores:
        assert scores["ids"].tolist() == ["loud.wav", "quiet.wav"]


def test_the_command_refuses_too_few_tracks_before_it_listens(music, weights, tmp_path):
    result = label(music, weights, tmp_path / "labelled.csv")
    assert result.exit_code == 2
    assert "weak labels need 50" in result.output
    assert not list(tmp_path.iterdir())


def test_the_command_refuses_missing_weights_before_it_listens(music, tmp_path, monkeypatch):
    monkeypatch.setattr("models.labelling.rule.MIN_TRACKS", 2)
    result = label(music, music, tmp_path / "labelled.csv")
    assert result.exit_code == 2
    assert "msd_fcn.pth cannot be read" in " ".join(result.output.split())
    assert not list(tmp_path.iterdir())


def label(music, weights, out):
    runner = CliRunner(env={"COLUMNS": "500"})
    return runner.invoke(app, ["corpus", "label", str(music), "--weights", str(weights), "--out", str(out)])
