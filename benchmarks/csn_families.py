"""Which of the papers' findings hold here: variants of the CSN, each trained with the same budget on the same data.

    python -m benchmarks.csn_families OUT --rendered RENDERED/manifest.csv --data rendered=RENDERED/manifest.csv

Trains every variant for --epochs with the preset `small` and what the variant changes, then asks all of them for
triplet accuracy on the rendered test pieces, and prints a table: per dimension by its own sub-space, and in the
complete space. Runs that are there are not trained again. --data and --only can be given again.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

SPACES = ("genre", "mood", "instrument", "era", "tempo", "key")
PLAIN = ("objective.track=0", "objective.origins=0")
TRIPLET = ("objective.tags=0", "objective.triplet=1", *PLAIN)
VARIANTS: dict[str, tuple[str, ...]] = {
    "proxy": PLAIN,
    "proxy + track": ("objective.origins=0",),
    "proxy + track + origins": (),
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


def folder(out: Path, name: str) -> Path:
    """Of a variant's run."""
    return out / "-".join("".join(letter if letter.isalnum() else " " for letter in name).split())


def train(name: str, changes: tuple[str, ...], options: argparse.Namespace) -> None:
    """Train a variant, unless its artifact is there."""
    run = folder(options.out, name)
    if (run / "csn" / "manifest.json").exists():
        return
    settings = [f"epochs={options.epochs}", f"batch.per_epoch={options.batches}", *changes]
    named = [part for text in options.data for part in ("--data", text)]
    changed = [part for setting in settings for part in ("--set", setting)]
    cache = ["--cache", str(options.cache or options.out / "features")]
    command = [sys.executable, "-m", "models", "train", "csn", "--out", str(run), *named, *cache, *changed]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit(f"stopped at: {name}")


def judge(names: list[str], options: argparse.Namespace) -> dict[str, dict[tuple[str, str], float]]:
    """Triplet accuracy by variant, then by dimension and space."""
    systems = {f"csn@{folder(options.out, name) / 'csn'}": name for name in names}
    named = [part for system in systems for part in ("--system", system)]
    command = [sys.executable, "-m", "models", "evaluate", "triplets", options.rendered, *named]
    report = options.out / "report"
    if subprocess.run([*command, "--no-shortcuts", "--out", str(report)], check=False).returncode != 0:
        raise SystemExit("stopped at: evaluate triplets")
    found: dict[str, dict[tuple[str, str], float]] = {name: {} for name in names}
    for row in json.loads((report / "triplets.json").read_text(encoding="utf-8"))["rows"]:
        if row["system"] in systems:
            cells = found[systems[row["system"]]]
            cells[row["task"], row["space"]] = row["figures"]["accuracy"]["value"]
    return found


def table(found: dict[str, dict[tuple[str, str], float]]) -> str:
    """Own sub-space, and the complete space after the slash."""
    lines = [f"| | {' | '.join(SPACES)} | mean |", f"|---|{'---:|' * (len(SPACES) + 1)}"]
    for name, cells in found.items():
        own = [cells[space, space] for space in SPACES]
        complete = [cells[space, "complete"] for space in SPACES]
        texts = [f"{one:.3f} / {whole:.3f}" for one, whole in zip(own, complete, strict=True)]
        lines.append(f"| {name} | {' | '.join(texts)} | {sum(own) / len(own):.3f} |")
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--rendered", required=True, help="manifest whose test pieces are asked about")
    arguments.add_argument("--data", action="append", required=True, help="as `train csn` takes it")
    arguments.add_argument("--cache", type=Path, help="folder of features")
    arguments.add_argument("--epochs", type=int, default=10)
    arguments.add_argument("--batches", type=int, default=60, help="in an epoch")
    arguments.add_argument("--only", action="append", choices=VARIANTS, help="default: all")
    options = arguments.parse_args()
    names = options.only or list(VARIANTS)
    for name in names:
        train(name, VARIANTS[name], options)
    print(table(judge(names, options)))


if __name__ == "__main__":
    main()
