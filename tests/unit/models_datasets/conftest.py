"""Tiny audio files, and manifests made of lines."""

import numpy as np
import pytest
import soundfile


def write_wav(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(160, np.float32), 16_000)
    return path


@pytest.fixture
def wav():
    return write_wav


@pytest.fixture
def manifest(tmp_path):
    """Writes a manifest of these lines beside files a.wav to j.wav."""
    for name in "abcdefghij":
        write_wav(tmp_path / f"{name}.wav")

    def write(*lines, name="music.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write
