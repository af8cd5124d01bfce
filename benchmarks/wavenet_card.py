"""The figures of docs/encoders/wavenet.md: the ranking protocol of paper 004, asked of the WaveNet and its peers.

    python -m benchmarks.wavenet_card OUT --recordings benchmarks/labels/all.csv --audio MUSIC \
        [--data recorded=benchmarks/labels/untested.csv@MUSIC [--cache FEATURES] [--only NAME]]

Asks the shipped encoders who ranks recordings of the same album, and those of the same tags, before others: plain,
and where `librosa` fails; then for retrieval. With --data it first trains every variant, with what the variant
changes and otherwise alike, so that the paper's questions are answered side by side: pairs or lists, cosine or
Euclid, with and without the fully connected end and pre-training. What is in OUT is not made again. Tables go to
OUT/card.md.
"""

import argparse
from pathlib import Path

from benchmarks.cards import show
from benchmarks.commands import repeated, run_models
from benchmarks.evaluation_tables import table
from benchmarks.variants import folder, read_report, train_variant

SYSTEMS = ("librosa", "lstm", "csn", "hdpgmm", "wavenet")
MEASURES = ["PC", "NDCG@1", "NDCG@6", "MAP"]
RESPECTS = ("album", "tags")
EUCLID = ("network.similarity=euclidean", "objective.sigma=2")
SIX = ("lists.similar=3", "lists.dissimilar=3")
PREDICTION = ("prediction.epochs=6",)
VARIANTS: dict[str, tuple[str, ...]] = {
    "lists, cosine": (),
    "lists, cosine, seed 1": ("seed=1",),
    "lists, cosine, seed 2": ("seed=2",),
    "lists, Euclid": EUCLID,
    "pairs, cosine": ("objective.loss=hinge",),
    "pairs, Euclid": ("objective.loss=hinge", "network.similarity=euclidean"),
    "lists of six": SIX,
    "NDCG-Loss1": ("objective.loss=ndcg1",),
    "NDCG-Loss2++": ("objective.loss=ndcg2++", "objective.sigma=2"),
    "LambdaRank": ("objective.loss=lambdarank",),
    "no connected end": ("network.connected=[]",),
    "16 parts, maximum": ("network.parts=16", "network.final_pooling=max"),
    "pre-trained": PREDICTION,
    "pre-trained, Euclid": (*PREDICTION, *EUCLID),
    "centred": ("network.padding=centred",),
    "filter 2": ("network.filter=2", "network.dilation_growth=2", "network.layers=4"),
    "nothing changed": (
        "augmentation.most_db=0",
        "augmentation.most_shift=0",
        "augmentation.masked_bands=0",
        "augmentation.masked_time=0",
    ),
    "albums alone": ("lists.by_annotations=0",),
    "tags alone": ("lists.by_annotations=1",),
}
"""By what they change in the preset ``small``, which reads mel frames."""

SAMPLES: dict[str, tuple[str, ...]] = {
    "samples": (),
    "samples, pre-trained": ("prediction.epochs=2", "prediction.per_epoch=50"),
}
"""Likewise, in the preset ``samples``."""


def train(options: argparse.Namespace) -> dict[str, Path]:
    """Train the variants that are asked for; their artifacts by name."""
    made = {}
    cache = options.cache or options.out / "features"
    for preset, variants in (("small", VARIANTS), ("samples", SAMPLES)):
        for name, changes in variants.items():
            if options.only is None or name in options.only:
                run = folder(options.out / preset, name)
                train_variant("wavenet", run, [*changes], options.data, cache, "--config", preset)
                made[name] = run / "wavenet"
    return made


def ask(question: str, systems: list[str], options: argparse.Namespace, *more: str) -> None:
    named = (*repeated("--system", systems), *repeated("--by", [*more]))
    place = ("--audio", options.audio, "--split", "test", "--no-shortcuts", "--out", options.out)
    run_models("evaluate", question, options.recordings, *named, *place)


def ranking_tables(out: Path, names: dict[str, str]) -> list[str]:
    """Plain and skewed, by album and by tags."""
    report = read_report(out / "ranking.json", names)
    tasks = [task for respect in RESPECTS for task in (respect, f"{respect}, skewed")]
    there = {row["task"] for row in report["rows"]}
    return [f"### {task}\n\n{table(report, [task], MEASURES, [])}\n" for task in tasks if task in there]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--recordings", required=True, help="manifest whose test recordings are asked about")
    arguments.add_argument("--audio", required=True)
    arguments.add_argument("--data", action="append", help="as `train wavenet` takes it: train the variants too")
    arguments.add_argument("--cache", type=Path, help="folder of features; default: OUT/features")
    arguments.add_argument("--only", action="append", choices=[*VARIANTS, *SAMPLES], help="default: all variants")
    arguments.add_argument("--system", action="append", help=f"default: {', '.join(SYSTEMS)}")
    options = arguments.parse_args()
    variants = train(options) if options.data else {}
    names = {f"wavenet@{place}": f"wavenet: {name}" for name, place in variants.items()}
    systems = options.system or [*SYSTEMS]
    ask("ranking", [*systems, *names], options, *RESPECTS)
    ask("retrieval", systems, options, "album", "artist", "tags")
    tables = [*ranking_tables(options.out, names), show("Retrieval", options.out, "retrieval", ["P@1", "MAP"])]
    card = options.out / "card.md"
    card.write_text("\n".join(tables), encoding="utf-8")
    print(card)


if __name__ == "__main__":
    main()
