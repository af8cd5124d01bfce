"""A real worker that can load two small encoders, ``first`` and ``second``, beside those that are shipped.

Everything but the encoders is the real thing: supervisor, child, decoder, batcher, queue, store.
"""

import sys

import numpy as np
import torch

from app.logs import configure_logging
from app.settings import Settings
from models import registry
from models.encoder import Prepared, TrackEmbedding
from workers import __main__ as worker
from workers import embed_process

SEGMENTS = 4
MIN_SAMPLES = 1024


class Bands:
    """Log energies of frequency bands against their mean, as a direction in each space; a band for each number."""

    def __init__(self, artifact, device):
        self.manifest = artifact.manifest
        self.device = device
        self.tags = {space: artifact.tag_directions(space) for space in artifact.manifest.tags}
        self.components = {}

    def prepare(self, waveform):
        parts = np.array_split(waveform, SEGMENTS)
        edges_s = np.cumsum([0, *map(len, parts)]) / self.manifest.sample_rate_hz
        rows = np.stack([self._levels(part) for part in parts])
        return Prepared(torch.from_numpy(rows), np.stack([edges_s[:-1], edges_s[1:]], 1).astype(np.float32))

    def _levels(self, part):
        power = np.abs(np.fft.rfft(part, max(len(part), MIN_SAMPLES))) ** 2
        bands = np.array_split(power[: len(power) // 4], self.manifest.dimension)
        levels = np.log([band.mean() + 1e-9 for band in bands])
        return (levels - levels.mean()).astype(np.float32)

    def encode(self, inputs):
        return inputs

    def pool(self, prepared, outputs):
        rows = torch.cat([outputs.mean(0, keepdim=True), outputs])
        parts = torch.split(rows, [space.dimension for space in self.manifest.spaces], 1)
        vectors = torch.cat([torch.nn.functional.normalize(part, dim=1) for part in parts], 1).numpy()
        return TrackEmbedding(vectors[0], prepared.spans_s, vectors[1:])


def main(connection, plan):
    """What the child runs."""
    registry.ENCODERS = {**registry.ENCODERS, "first": Bands, "second": Bands}
    embed_process.main(connection, plan)


if __name__ == "__main__":
    configure_logging("info", json=False)
    sys.exit(worker.supervise(Settings(), entry="two_encoders:main", lifeline=sys.stdin.fileno()))
