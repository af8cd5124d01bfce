"""The audio store against disks that are full or gone, and processes that die."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.adapters import audio_store
from app.adapters.audio_store import LocalAudioStore, open_store
from app.adapters.fsspec_audio_store import FsspecAudioStore
from app.errors import ConfigurationError, NotFound, StorageFull, StorageUnavailable


def test_a_plain_path_and_a_file_url_are_the_same_folder(tmp_path):
    folder = tmp_path / "with space & ünïcode"
    with open_store(folder.as_uri()).create() as upload:
        upload.write(b"abc")
        upload.commit("ab/key")
    with open_store(str(folder)).open("ab/key") as file:
        assert file.read() == b"abc"
    assert (folder / "ab" / "key").read_bytes() == b"abc"


def test_a_url_that_no_library_knows_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="SOUNDKIN_AUDIO_URL"):
        open_store("nosuch://x/y")


def test_a_full_disk_is_told_apart(tmp_path):
    """/dev/full refuses every byte, as a full disk does."""
    store = LocalAudioStore(tmp_path)
    with store.create() as upload:
        with Path("/dev/full").open("wb", buffering=0) as full:
            upload._file, kept = full, upload._file
            with pytest.raises(StorageFull, match="make room"):
                upload.write(b"x")
        kept.close()


def test_a_disk_that_fills_at_the_last_moment_keeps_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = LocalAudioStore(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with store.create() as upload:
        upload.write(b"abc")
        with pytest.raises(StorageFull):
            upload.commit("ab/key")
    with pytest.raises(NotFound):
        store.open("ab/key")
    assert not list((tmp_path / audio_store.INCOMING).iterdir())


def test_a_folder_that_cannot_be_made_says_which_setting_to_mend(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageUnavailable, match="SOUNDKIN_AUDIO_URL"):
        LocalAudioStore(tmp_path / "file" / "audio")


def test_a_folder_that_vanished_is_noticed_by_ping(tmp_path):
    store = LocalAudioStore(tmp_path / "audio")
    (tmp_path / "audio" / audio_store.INCOMING).rmdir()
    with pytest.raises(StorageUnavailable):
        store.ping()


def test_leftovers_of_crashed_uploads_are_swept_after_a_day(tmp_path):
    LocalAudioStore(tmp_path)
    old, fresh = (tmp_path / audio_store.INCOMING / name for name in ("old", "fresh"))
    for leftover in (old, fresh):
        leftover.write_bytes(b"half")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    LocalAudioStore(tmp_path)
    assert not old.exists()
    assert fresh.exists()


def test_a_process_killed_in_the_middle_leaves_no_object(tmp_path):
    program = """
import os, signal, sys
from app.adapters.audio_store import open_store
upload = open_store(sys.argv[1]).create()
upload.write(b"x" * 1_000_000)
upload.local_path()
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert len(list((tmp_path / audio_store.INCOMING).iterdir())) == 1
    assert [path.name for path in tmp_path.iterdir()] == [audio_store.INCOMING]


def test_a_store_behind_a_network_that_is_down_is_unavailable(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    store = FsspecAudioStore("s3://bucket/prefix")
    with pytest.raises(StorageUnavailable, match="SOUNDKIN_AUDIO_URL"):
        store.size("ab/key")
    with store.create() as upload:
        upload.write(b"abc")
        with pytest.raises(StorageUnavailable):
            upload.commit("ab/key")
