"""The peer bliss: 23 hand-made features of the library bliss-rs, compared as its authors do."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from models.errors import AudioUnreadable, ToolMissing, WaveformTooShort
from models.evaluate.embedded import Embedded
from models.evaluate.system import CLIP_RATE_HZ, Clip, Measured

MIN_SAMPLES = 8_192
"""Of its longest analysis window; of less it makes nothing."""

_TRIAL = "import sys, bliss_audio; bliss_audio.Song(sys.argv[1])"


class BlissSystem:
    """Reads the clip from a temporary file, since it takes nothing else; its distance is Euclidean.

    The package calls itself MIT, the Rust library inside is GPL-3: it is never installed unasked, but by
    ``pip install 'soundkin[peers]'``.

    Raises:
        ToolMissing: It is not installed, or was built for another processor.
    """

    name = "bliss"
    learns = False

    def __init__(self) -> None:
        try:
            from bliss_audio import Song  # noqa: PLC0415 - optional dependency
        except ImportError as error:
            raise ToolMissing("System 'bliss' needs bliss-audio: pip install 'soundkin[peers]'.") from error
        _must_run(_TRIAL)
        self._song = Song
        self.identity = f"bliss {metadata.version('bliss-audio')}"

    def measure(self, clip: Clip) -> Measured:
        if len(clip.waveform) < MIN_SAMPLES:
            raise WaveformTooShort(
                f"{clip.track.path}: The clip has {len(clip.waveform) / CLIP_RATE_HZ:.3f} s of sound; bliss needs "
                f"at least {MIN_SAMPLES / CLIP_RATE_HZ:.3f} s."
            )
        with TemporaryDirectory() as folder:
            path = Path(folder) / "clip.wav"
            wavfile.write(path, CLIP_RATE_HZ, clip.waveform)
            return {"vector": np.array(self._analysis(path, clip), np.float32)}

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:  # noqa: ARG002
        vectors = np.stack([track["vector"] for track in measured]).astype(np.float32)
        return Embedded(self.name, vectors, metric="euclidean")

    def _analysis(self, path: Path, clip: Clip) -> list[float]:
        """Its features; a panic of the library is no ``Exception``, and its class cannot be imported."""
        try:
            found: list[float] = self._song(str(path)).analysis
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise AudioUnreadable(f"{clip.track.path}: bliss cannot use the clip: {error}") from error
        return found


@cache
def _must_run(trial: str) -> None:
    """Let it analyse a second of noise in a process of its own: an instruction unknown here would end it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "noise.wav"
        wavfile.write(path, CLIP_RATE_HZ, np.random.default_rng(0).normal(0, 0.1, CLIP_RATE_HZ).astype(np.float32))
        command = [sys.executable, "-c", trial, str(path)]
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own
    if done.returncode < 0:
        raise ToolMissing(
            f"System 'bliss' cannot run on this processor: the installed bliss-audio was built for another one "
            f"({signal.Signals(-done.returncode).name}). Build it here from its sources, or leave this peer out."
        )
