"""Features on disk: made once, made anew when they are damaged, and never half-written."""

from hashlib import sha256

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from safetensors.torch import save

from models.audio import decode
from models.csn.inputs import SAMPLE_RATE_HZ, VERSION
from models.csn.track_features import waveform_to_features
from models.csn.training.feature_cache import CsnFeatureCache
from models.errors import TrainingInterrupted

SECONDS = 3.2


def tone(seconds=SECONDS, hertz=330):
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return 0.3 * np.sin(2 * np.pi * hertz * time) * (1 - (2 * time % 1))


@pytest.fixture
def song(tmp_path):
    soundfile.write(tmp_path / "song.wav", tone(), SAMPLE_RATE_HZ)
    return tmp_path / "song.wav"


@pytest.fixture
def cache(tmp_path):
    return CsnFeatureCache(tmp_path / "cache", 90.0)


def extracted(cache, *files):
    return list(cache.extract(files, jobs=1))


def path_of(cache, entry):
    return cache.folder / f"{entry}.safetensors"


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("mel", "onset", "cens"))


def test_what_was_extracted_is_read_back(cache, song):
    (found,) = extracted(cache, song)
    assert (found.path, found.refusal) == (song, "")
    with song.open("rb") as file:
        assert same(cache.read(found.entry), waveform_to_features(decode(file).waveform))


def test_an_entry_is_named_by_the_bytes_the_version_and_the_duration(cache, song):
    (found,) = extracted(cache, song)
    digest = sha256(song.read_bytes()).hexdigest()
    assert found.entry == f"{digest[:32]}.v{VERSION}.90s"
    assert CsnFeatureCache(cache.folder, 30.0).entry(digest) != found.entry


def test_the_same_bytes_under_two_names_are_computed_once(cache, song):
    copy = song.with_name("copy.wav")
    copy.write_bytes(song.read_bytes())
    one, other = extracted(cache, song, copy)
    assert one.entry == other.entry
    assert len(list(cache.folder.iterdir())) == 1


def test_what_is_there_is_not_made_again(cache, song, make):
    (found,) = extracted(cache, song)
    put = make.features(make.track(0))
    cache.write(found.entry, put)
    extracted(cache, song)
    assert same(cache.read(found.entry), put)


def entry_of(**changes):
    """The bytes of an entry of five frames, with changes."""
    whole = {
        "mel": torch.zeros(5, 128, dtype=torch.uint8),
        "onset": torch.zeros(5).half(),
        "cens": torch.zeros(5, 12, dtype=torch.uint8),
    }
    return save({name: rows for name, rows in {**whole, **changes}.items() if rows is not None})


DAMAGES = {
    "empty": lambda _: b"",
    "garbage": lambda _: b"\xff" * 4_000,
    "truncated": lambda whole: whole[:-100],
    "without onsets": lambda _: entry_of(onset=None),
    "of another shape": lambda _: entry_of(mel=torch.zeros(5, 64, dtype=torch.uint8)),
    "of another length": lambda _: entry_of(cens=torch.zeros(6, 12, dtype=torch.uint8)),
    "of another type": lambda _: entry_of(mel=torch.zeros(5, 128)),
    "of one number": lambda _: entry_of(onset=torch.tensor(1.0).half()),
    "of no frame": lambda _: entry_of(
        mel=torch.zeros(0, 128, dtype=torch.uint8),
        onset=torch.zeros(0).half(),
        cens=torch.zeros(0, 12, dtype=torch.uint8),
    ),
}


def damaged(path, damage):
    """Put a damaged file in the place of a whole one, which may still be open."""
    new = path.with_name("damaged")
    new.write_bytes(DAMAGES[damage](path.read_bytes()))
    new.replace(path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_made_anew_by_extracting(cache, song, damage):
    (found,) = extracted(cache, song)
    whole = cache.read(found.entry)
    damaged(path_of(cache, found.entry), damage)
    assert not cache.holds(found.entry)
    (again,) = extracted(cache, song)
    assert again == found
    assert same(cache.read(found.entry), whole)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_ends_the_run_that_reads_it_and_is_removed(cache, make, damage):
    cache.folder.mkdir()
    cache.write("entry", make.features(make.track(0)))
    damaged(path_of(cache, "entry"), damage)
    with pytest.raises(TrainingInterrupted, match=r"entry\.safetensors cannot be read .* makes them anew"):
        cache.read("entry")
    assert not list(cache.folder.iterdir())


def test_an_entry_that_is_gone_ends_the_run_too(cache):
    with pytest.raises(TrainingInterrupted, match="cannot be read"):
        cache.read("gone")
    assert not cache.holds("gone")


@runs(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True))
def test_an_entry_cut_off_anywhere_is_noticed(cache, make, share):
    cache.folder.mkdir(exist_ok=True)
    cache.write("entry", make.features(make.track(0), frames=20))
    whole = path_of(cache, "entry").read_bytes()
    path_of(cache, "entry").write_bytes(whole[: int(share * len(whole))])
    assert not cache.holds("entry")


def test_a_full_disk_ends_extracting_and_leaves_nothing_half_written(no_room, cache, song):
    with no_room(), pytest.raises(OSError, match="File too large"):
        extracted(cache, song)
    assert not list(cache.folder.iterdir())
    (found,) = extracted(cache, song)
    assert cache.holds(found.entry)


def test_a_full_disk_leaves_the_entry_that_was_there(no_room, cache, make):
    cache.folder.mkdir()
    before, after = (make.features(make.track(number)) for number in (0, 1))
    cache.write("entry", before)
    with no_room(), pytest.raises(OSError, match="File too large"):
        cache.write("entry", after)
    assert same(cache.read("entry"), before)
    assert [path.name for path in cache.folder.iterdir()] == ["entry.safetensors"]


def test_what_another_process_has_half_written_is_no_entry_and_is_left_alone(cache, make):
    cache.folder.mkdir()
    other = cache.folder / ".entry.safetensors.1.part"
    other.write_bytes(b"half")
    assert not cache.holds("entry")
    cache.write("entry", make.features(make.track(0)))
    assert cache.holds("entry")
    assert other.read_bytes() == b"half"


def test_a_folder_that_cannot_be_made_is_an_error_and_no_refusal(tmp_path, song):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        extracted(CsnFeatureCache(tmp_path / "file" / "cache", 90.0), song)


@pytest.mark.parametrize(
    ("name", "samples", "reason"),
    [
        ("silent", np.zeros(4 * SAMPLE_RATE_HZ), "silent"),
        ("direct current", np.full(4 * SAMPLE_RATE_HZ, 0.4), "silent"),
        ("all but silent", np.random.default_rng(0).normal(scale=2e-5, size=4 * SAMPLE_RATE_HZ), "silent"),
        ("short", tone(2.9), "It has 2.9 s; 3 s are needed"),
        ("empty", np.zeros(0), "no sound"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_with_the_reason(cache, tmp_path, name, samples, reason):
    soundfile.write(tmp_path / f"{name}.wav", samples, SAMPLE_RATE_HZ, subtype="FLOAT")
    (found,) = extracted(cache, tmp_path / f"{name}.wav")
    assert reason in found.refusal
    assert not found.entry
    assert not list(cache.folder.iterdir())


def test_what_is_no_audio_or_not_there_is_refused_and_the_others_are_not(cache, tmp_path, song):
    (tmp_path / "text.mp3").write_text("not a song")
    found = extracted(cache, tmp_path / "text.mp3", song, tmp_path / "missing.wav", tmp_path)
    assert [bool(each.refusal) for each in found] == [True, False, True, True]
    assert "not an audio file" in found[0].refusal
    assert "No such file" in found[2].refusal


def test_of_a_long_track_the_middle_is_listened_to(tmp_path):
    sound = np.concatenate([tone(2), tone(4, 880), tone(2)])
    soundfile.write(tmp_path / "long.wav", sound, SAMPLE_RATE_HZ, subtype="FLOAT")
    soundfile.write(tmp_path / "middle.wav", tone(4, 880), SAMPLE_RATE_HZ, subtype="FLOAT")
    cache = CsnFeatureCache(tmp_path / "cache", 4.0)
    long, middle = (cache.read(found.entry) for found in extracted(cache, *sorted(tmp_path.glob("*.wav"))))
    assert same(long, middle)


@pytest.mark.slow  # each process loads torch
def test_processes_extract_the_same_in_the_order_of_the_files(cache, tmp_path):
    files = []
    for number in range(6):
        files.append(tmp_path / f"{number}.wav")
        soundfile.write(files[-1], tone(hertz=330 + 55 * (number // 2)), SAMPLE_RATE_HZ)
    (tmp_path / "3.wav").write_text("no song")
    found = list(cache.extract(files, jobs=2))
    assert [each.path for each in found] == files
    assert [bool(each.refusal) for each in found] == [False] * 3 + [True] + [False] * 2
    alone = CsnFeatureCache(tmp_path / "alone", 90.0)
    for each, other in zip(found, extracted(alone, *files), strict=True):
        assert each.entry == other.entry
        if each.entry:
            assert (cache.read(each.entry).mel.int() - alone.read(each.entry).mel.int()).abs().max() <= 1
