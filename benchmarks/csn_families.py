"""Which of the papers' findings hold here: variants of the CSN, each trained with the same budget on the same data.

    python -m benchmarks.csn_families OUT --rendered RENDERED/manifest.csv --audio MUSIC \
        --recordings benchmarks/recordings.csv --data rendered=RENDERED/manifest.csv \
        --data recorded=benchmarks/labels/untested.csv@MUSIC

Trains every variant with the preset `small` and what the variant changes, all with the same batches, then asks all
of them for triplet accuracy on the rendered test pieces and for recordings of one album or artist, and prints a
table: per dimension by its own sub-space, in the complete space after the slash, and the mean average precision of
albums and artists in the complete space. Runs that are there are not trained again. --data and --only can be given
again.
"""

import argparse
from pathlib import Path

from benchmarks.commands import repeated, run_models
from benchmarks.variants import folder, read_report, train_variant
from models.datasets.track import DIMENSIONS

RECORDED = ("album", "artist")
PLAIN = ("objective.track=0", "objective.origins=0")
TRIPLET = ("objective.tags=0", "objective.triplet=1", *PLAIN)
VARIANTS: dict[str, tuple[str, ...]] = {
    "proxy": PLAIN,
    "proxy + track": ("objective.origins=0",),
    "proxy + track + albums in genre": (),
    "proxy + track + albums in the whole": (
        "objective.origins=1",
        "objective.origin_spaces=['complete']",
        "min_tracks_per_origin=3",
    ),
    "classification, not normalised": (*PLAIN, "objective.normalised=false"),
    "proxy, not disentangled": (*PLAIN, "objective.disentangled=false"),
    "triplet": TRIPLET,
    "triplet + track": ("objective.tags=0", "objective.triplet=1", "objective.origins=0"),
    "triplet, not disentangled": (*TRIPLET, "objective.disentangled=false"),
    "proxy + triplet": (*PLAIN, "objective.triplet=1"),
    "proxy, single-input": (
        *PLAIN,
        "network.inputs=single",
        "augmentation.transpose=0",
        "augmentation.stretch=0",
    ),
    "proxy, inputs unchanged": (*PLAIN, "augmentation.transpose=0", "augmentation.stretch=0"),
    "proxy, 3 s of tempogram and CENS": (*PLAIN, "network.context_frames=129"),
    "proxy, relu": (*PLAIN, "network.activation=relu"),
}


def train(name: str, changes: tuple[str, ...], options: argparse.Namespace) -> None:
    """Train a variant, unless its artifact is there."""
    budget = (f"epochs={options.epochs}", f"batch.per_epoch={options.batches}", f"batch.tracks={options.tracks}")
    cache = options.cache or options.out / "features"
    train_variant("csn", folder(options.out, name), [*budget, *changes], options.data, cache)


def judge(names: list[str], options: argparse.Namespace) -> dict[str, dict[tuple[str, str], float]]:
    """Figures by variant, then by task and space."""
    systems = {f"csn@{folder(options.out, name) / 'csn'}": name for name in names}
    report = options.out / "report"
    named = (*repeated("--system", [*systems]), "--no-shortcuts", "--out", report)
    run_models("evaluate", "triplets", options.rendered, *named)
    run_models("evaluate", "retrieval", options.recordings, "--audio", options.audio, "--split", "test", *named)
    found: dict[str, dict[tuple[str, str], float]] = {name: {} for name in names}
    for question, measure in (("triplets", "accuracy"), ("retrieval", "MAP")):
        for row in read_report(report / f"{question}.json", systems)["rows"]:
            if row["system"] in found:
                found[row["system"]][row["task"], row["space"]] = row["figures"][measure]["value"]
    return found


def table(found: dict[str, dict[tuple[str, str], float]]) -> str:
    """Own sub-space, and the complete space after the slash; albums and artists in the complete space."""
    columns = [*DIMENSIONS, "mean", *RECORDED]
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for name, cells in found.items():
        own = [cells[space, space] for space in DIMENSIONS]
        complete = [cells[space, "complete"] for space in DIMENSIONS]
        texts = [f"{one:.3f} / {whole:.3f}" for one, whole in zip(own, complete, strict=True)]
        recorded = [f"{cells[task, 'complete']:.3f}" for task in RECORDED]
        lines.append(f"| {name} | {' | '.join([*texts, f'{sum(own) / len(own):.3f}', *recorded])} |")
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--rendered", required=True, help="manifest whose test pieces are asked about")
    arguments.add_argument("--recordings", required=True, help="likewise; with --audio")
    arguments.add_argument("--audio", required=True)
    arguments.add_argument("--data", action="append", required=True, help="as `train csn` takes it")
    arguments.add_argument("--cache", type=Path, help="folder of features")
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--batches", type=int, default=60, help="in an epoch")
    arguments.add_argument("--tracks", type=int, default=32, help="in a batch")
    arguments.add_argument("--only", action="append", choices=VARIANTS, help="default: all")
    options = arguments.parse_args()
    names = options.only or list(VARIANTS)
    for name in names:
        train(name, VARIANTS[name], options)
    print(table(judge(names, options)))


if __name__ == "__main__":
    main()
