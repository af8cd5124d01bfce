"""Which reading of the LSTM makes the better vector: paper 004 (section 4.2) tries them and does not say.

    python -m benchmarks.lstm_readings OUT --recordings benchmarks/labels/all.csv --audio MUSIC [--artifact FOLDER]

Kept are the states behind a section, its outputs, or both; sections are reduced by their mean, their maximum, or
the last is taken. Every reading is scored by the recordings for training, as the encoder does, and asked for the
ranking protocol on those of --split. The table goes to OUT/readings.md; what was heard is not heard again.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.evaluation_tables import table
from models.artifact import read_artifact
from models.baselines.block_encoder import PREFIX
from models.baselines.lstm import REDUCTIONS, LstmEncoder
from models.baselines.lstm_network import LstmSettings
from models.baselines.training.export import unscaled
from models.datasets.manifest import read_manifest
from models.evaluate.embedded import Embedded
from models.evaluate.evaluation import Evaluation, Manner
from models.evaluate.questions import ranking
from models.evaluate.system import Clip, Measured
from models.evaluate.systems.standardised import standardised
from models.evaluate.writer import as_data
from models.features import CHROMA_SIZE

SHIPPED = Path(__file__).parents[1] / "models" / "weights" / "lstm"
MEASURES = ["PC", "NDCG@1", "NDCG@6", "MAP"]
CPU = torch.device("cpu")

Kept = Literal["states", "outputs", "both"]


@dataclass(frozen=True, slots=True, eq=False)
class LstmReading:
    """A trained LSTM as a system of an evaluation; sections are measured once for all readings.

    Attributes:
        encoder: That keeps both of each section.
        digest: Of its artifact.
        keep: What is looked at of it.
        reduce: How sections become a track.
    """

    encoder: LstmEncoder
    digest: str
    keep: Kept
    reduce: str
    learns: bool = True

    @property
    def name(self) -> str:
        return f"{self.keep}, {self.reduce}"

    @property
    def identity(self) -> str:
        return f"sections of lstm {self.digest}"

    def measure(self, clip: Clip) -> Measured:
        with torch.inference_mode():
            return {"sections": self.encoder.encode(self.encoder.prepare(clip.waveform).inputs).numpy()}

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:
        rows = np.stack([self._summary(torch.from_numpy(track["sections"]).double()) for track in measured])
        return Embedded(self.name, standardised(rows, training))

    def _summary(self, sections: torch.Tensor) -> NDArray[np.float64]:
        audible = sections[sections[:, 0] > 0]
        columns = {"states": slice(1, -CHROMA_SIZE), "outputs": slice(-CHROMA_SIZE, None), "both": slice(1, None)}
        found: NDArray[np.float64] = REDUCTIONS[self.reduce](audible[:, columns[self.keep]], audible[:, 0]).numpy()
        return found


def readings(artifact: Path) -> list[LstmReading]:
    """All of them."""
    found = read_artifact(artifact)
    stated = LstmSettings.model_validate(found.manifest.settings["encoder"])
    settings = LstmSettings.model_validate({**stated.model_dump(), "keep": "both"})
    tensors = {name: tensor for name, tensor in found.tensors.items() if name.startswith(PREFIX)}
    encoder = unscaled(LstmEncoder, LstmEncoder.described(settings, "", {}), tensors, CPU)
    return [LstmReading(encoder, found.manifest.digest, *each) for each in product(get_args(Kept), REDUCTIONS)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--recordings", type=Path, required=True, help="manifest with a split")
    arguments.add_argument("--audio", type=Path, required=True)
    arguments.add_argument("--artifact", type=Path, default=SHIPPED)
    arguments.add_argument("--split", default="validation")
    arguments.add_argument("--jobs", type=int, default=1)
    options = arguments.parse_args()
    dataset = read_manifest(options.recordings, audio=options.audio, accept_labels=True)
    manner = Manner(by=("album", "tags"), split=options.split)
    systems = readings(options.artifact)
    report = ranking(Evaluation(dataset, systems, options.out / "cache", manner, jobs=options.jobs))
    tables = [f"### {task}\n\n{table(as_data(report), [task], MEASURES, [])}\n" for task in manner.by]
    (options.out / "readings.md").write_text("\n".join(tables), encoding="utf-8")
    print(options.out / "readings.md")


if __name__ == "__main__":
    main()
