"""What the baselines without a network hear: segments of three seconds of the 52 features per frame."""

from typing import ClassVar

import torch

from models.audible_frames import to_segments, track_frames
from models.baselines.encoder import BaselineEncoder
from models.encoder import Floats, Prepared, check_length
from models.song_frames import MIN_SAMPLES, SAMPLE_RATE_HZ, VERSION


class FrameEncoder(BaselineEncoder):
    """Hears the audible frames of the canonical waveform, as the encoder ``hdpgmm`` does.

    Paper 000 takes all frames of the waveform as it is. Alike level and bandwidth, and no pauses, are what makes
    this a comparison of what is made of frames.
    """

    inputs_version: ClassVar[int] = VERSION

    def prepare(self, waveform: Floats) -> Prepared:
        """(T,) mono samples → (B, N · 53): frames of each segment, and whether they are audible.

        Raises:
            WaveformTooShort: Fewer samples than nine frames.
        """
        check_length(waveform, self.name, SAMPLE_RATE_HZ, MIN_SAMPLES)
        with torch.inference_mode():
            return to_segments(*track_frames(waveform), len(waveform))
