"""Which reading of the mixture makes the better vector: other features, other posteriors, groups of components.

    python -m benchmarks.hdpgmm_readings OUT --recordings benchmarks/labels/untested.csv --audio MUSIC

Shipped is √p of the frames' mean posterior without the song's (encoders, 1.6, b). Beside it stand the mean
responsibility from the inference of the song (c), the logarithm that the paper takes (z-scored over the recordings
for training, since it has no zero of its own), and sub-spaces: components in groups by the tags of the recordings
for training that use them, every group of unit length and weighed alike. Groups of the same sizes drawn at random
show what grouping does without meaning.

Recordings are heard whole, up to five minutes, as for an index. Asked are those of --split (validation), by album
and artist and by tags in common. OUT/readings.md has the mean average precisions with their difference from what is
shipped on the same resamples (* where it is more than chance, after Holm), what the groups are, what leaving one
out does, and whether a group finds tracks of its own tags (OUT/groups.png): ROC-AUC of the tracks with a tag, from
each that has it, mean over queries and tags.
"""

import argparse
import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.component_groups import Group, at_random, grouped, spaces_of_groups
from benchmarks.mixture_system import Shares, shares_of
from models.datasets.manifest import read_manifest
from models.datasets.track import Dataset
from models.evaluate.comparison import holm
from models.evaluate.embedded import Embedded
from models.evaluate.heat_map import heat_map
from models.evaluate.report import COMPLETE, RANDOM
from models.evaluate.retrieval import evaluate_retrieval
from models.evaluate.systems.standardised import standardised
from models.hdpgmm.training.config import TrainingConfig
from models.hdpgmm.training.export import MIN_TRACKS_PER_TAG
from models.metrics.bootstrap import Estimate, Resampling, paired_p_value, summarise
from models.metrics.classification import mean_known, rank_quality
from models.runs.frame_cache import FrameCache

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

SHIPPED = "√p (shipped)"
RESPECTS = ("album", "artist", "genre", "mood", "instrument")
MEASURE = "MAP"
LOG_FLOOR = 1e-8
COUNTS = (3, 4, 5, 6)
CHOSEN = 4
RANDOM_SEEDS = 5
NEIGHBOURS = 10
FRAMES = 2_000
SHIPPED_ARTIFACT = Path(__file__).parents[1] / "models" / "weights" / "hdpgmm"


def listened(
    dataset: Dataset, splits: Collection[str], cache: FrameCache, jobs: int
) -> tuple[Dataset, list[Tensor]]:
    """The tracks of some splits that can be used, and (F, 52) frames of each, evenly spread."""
    wanted = [track for track in dataset.tracks if track.split in splits]
    entries = [found.entry for found in cache.extract((track.path for track in wanted), jobs)]
    usable = [(track, entry) for track, entry in zip(wanted, entries, strict=True) if entry]
    heard = (cache.read(entry) for _, entry in usable)
    spread = [frames[:: math.ceil(len(frames) / FRAMES)].float() for frames in heard]
    return replace(dataset, tracks=tuple(track for track, _ in usable)), spread


def tags_of(dataset: Dataset) -> tuple[list[str], Bools]:
    """Z tags of any dimension that enough tracks for training have, and (N, Z) which tracks have them."""
    own = [frozenset().union(*track.tags.values()) for track in dataset.tracks]
    counts = Counter(
        tag for track, tags in zip(dataset.tracks, own, strict=True) if track.split == "train" for tag in tags
    )
    names = sorted(tag for tag, count in counts.items() if count >= MIN_TRACKS_PER_TAG)
    return names, np.array([[name in tags for name in names] for tags in own], np.bool_)


def logarithms(shares: Doubles, training: Bools) -> Doubles:
    """(N, K) → (N, K) the paper's feature, z-scored, of unit length."""
    return standardised(np.log(np.maximum(shares, LOG_FLOOR)), training).astype(np.float64)


def unit(vectors: Doubles) -> Doubles:
    """(N, D) → (N, D) of unit length."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def in_groups(name: str, shares: Shares, groups: Sequence[Group]) -> Embedded:
    """The shipped reading, cut into groups."""
    vectors, spaces = spaces_of_groups(np.sqrt(shares.likelihoods), groups)
    return Embedded(name, vectors.astype(np.float32), spaces)


def readings(shares: Shares, training: Bools) -> list[Embedded]:
    """Whole vectors, what is shipped first."""
    vectors = {
        SHIPPED: unit(np.sqrt(shares.likelihoods)),
        "√p, responsibilities": unit(np.sqrt(shares.responsibilities)),
        "ln p": logarithms(shares.likelihoods, training),
        "ln p, responsibilities": logarithms(shares.responsibilities, training),
    }
    return [Embedded(name, found.astype(np.float32)) for name, found in vectors.items()]


def of_rows(systems: Sequence[Embedded], rows: Bools) -> list[Embedded]:
    """The same systems of some tracks."""
    return [replace(system, vectors=system.vectors[rows]) for system in systems]


def judged(dataset: Dataset, systems: Sequence[Embedded]) -> dict[str, dict[str, Estimate]]:
    """Mean average precision by system and respect of similarity; groups drawn at random as one, by their mean."""
    respects = [
        by for by in RESPECTS if by in {"album", "artist"} or any(track.tags.get(by) for track in dataset.tracks)
    ]
    report = evaluate_retrieval(dataset, systems, respects, Resampling())
    found: dict[str, dict[str, Estimate]] = {}
    for row in report.rows:
        if row.space == COMPLETE and row.system in {*(system.system for system in systems), RANDOM}:
            found.setdefault(row.system, {})[row.task] = row.figures[MEASURE]
    return found


def averaged(found: dict[str, dict[str, Estimate]], names: Sequence[str]) -> dict[str, Estimate]:
    """The mean of several systems by respect."""
    by_respect = {by: [found[name][by] for name in names] for by in found[names[0]]}
    return {
        by: summarise(
            float(np.mean([each.value for each in estimates])),
            np.mean([each.replicates for each in estimates], axis=0),
            estimates[0].count,
        )
        for by, estimates in by_respect.items()
    }


def table(found: dict[str, dict[str, Estimate]]) -> str:
    """MAP with its interval, and below it the difference from what is shipped; p-values are corrected (Holm)."""
    base = found[SHIPPED]
    others = [name for name in found if name not in {SHIPPED, RANDOM}]
    raw = [paired_p_value(found[name][by], base[by]) for name in others for by in base]
    p_values = iter(holm(raw))
    lines = [f"| | {' | '.join(base)} |", f"|---|{'---:|' * len(base)}"]
    lines.append(f"| {SHIPPED} | {' | '.join(_interval(each) for each in base.values())} |")
    for name in others:
        cells = []
        for by, own in found[name].items():
            lead = summarise(own.value - base[by].value, own.replicates - base[by].replicates, own.count)
            mark = " *" if next(p_values) < 0.05 else ""
            cells.append(f"{own.value:.3f}, {_interval(lead, '+')}{mark}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines.append(f"| random order | {' | '.join(f'{each.value:.3f}' for each in found[RANDOM].values())} |")
    return "\n".join(lines)


def _interval(found: Estimate, sign: str = "") -> str:
    return f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


def kept_neighbours(whole: Doubles, other: Doubles) -> float:
    """Share of the nearest NEIGHBOURS that two (N, N) similarities have in common, 0 to 1."""
    nearest = []
    for similarity in (whole, other):
        apart = similarity.copy()
        np.fill_diagonal(apart, -np.inf)
        nearest.append(np.argsort(-apart, axis=1, kind="stable")[:, :NEIGHBOURS])
    shared = [len(np.intersect1d(one, two)) for one, two in zip(*nearest, strict=True)]
    return float(np.mean(shared)) / NEIGHBOURS


def tag_quality(similarity: Doubles, has: Bools) -> Doubles:
    """(N, N), (N, Z) → (Z,) ROC-AUC of the other tracks with a tag from each that has it; NaN for rare tags."""
    once = np.ones((1, len(has) - 1))
    found = np.full(has.shape[1], np.nan)
    for tag in np.flatnonzero((has.sum(0) >= MIN_TRACKS_PER_TAG) & ~has.all(0)):
        own = has[:, tag]
        queries = np.flatnonzero(own)
        others = [np.delete(np.arange(len(own)), query) for query in queries]
        found[tag] = np.mean(
            [
                rank_quality(similarity[query, rest], own[rest], once).roc_auc[0]
                for query, rest in zip(queries, others, strict=True)
            ]
        )
    return found


def meaning(system: Embedded, groups: Sequence[Group], tags: Sequence[str], has: Bools) -> tuple[str, Doubles]:
    """Lines about groups; (1 + groups, groups) how well the complete space, then each of them, finds their tags."""
    rows = np.arange(len(system))
    spaces = {
        None: system.similarity(rows),
        **{group.name: system.similarity(rows, group.name) for group in groups},
    }
    quality = {name: tag_quality(found, has) for name, found in spaces.items()}
    columns = [[tags.index(tag) for tag in group.tags] for group in groups]
    matrix = np.stack([mean_known(np.stack([row[own] for row in quality.values()])) for own in columns], 1)
    lines = ["| group | components | share | tags | neighbours kept without it |", "|---|---:|---:|---|---:|"]
    for group in groups:
        rest = np.mean([spaces[other.name] for other in groups if other is not group], axis=0)
        cells = [group.name, str(len(group.components)), f"{group.share:.0%}", ", ".join(group.tags)]
        lines.append(f"| {' | '.join(cells)} | {kept_neighbours(spaces[None], rest):.0%} |")
    return "\n".join(lines), matrix


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--recordings", type=Path, required=True, help="manifest with a split and tags")
    arguments.add_argument("--audio", type=Path, required=True)
    arguments.add_argument("--artifact", type=Path, default=SHIPPED_ARTIFACT)
    arguments.add_argument("--split", default="validation")
    arguments.add_argument("--groups", type=int, default=CHOSEN, choices=COUNTS, help="that are shown in detail")
    arguments.add_argument("--cache", type=Path, help="folder of frames; default: in OUT")
    arguments.add_argument("--jobs", type=int, default=2, help="processes that compute frames")
    options = arguments.parse_args()
    dataset = read_manifest(options.recordings, options.audio, accept_labels=True)
    cache = FrameCache(options.cache or options.out / "frames", TrainingConfig().max_duration_s)
    heard, frames = listened(dataset, {"train", options.split}, cache, options.jobs)
    shares = shares_of(options.artifact, frames)
    tags, has = tags_of(heard)
    training = np.array([track.split == "train" for track in heard.tracks])
    by_count = {count: grouped(shares.likelihoods[training], has[training], tags, count) for count in COUNTS}
    systems = readings(shares, training)
    systems += [in_groups(f"√p, {count} groups", shares, groups) for count, groups in by_count.items()]
    groups = by_count[options.groups]
    drawn = [in_groups(f"drawn {seed}", shares, at_random(groups, seed)) for seed in range(RANDOM_SEEDS)]
    rows = np.array([track.split == options.split for track in heard.tracks])
    asked = Dataset(dataset.name, tuple(track for track in heard.tracks if track.split == options.split))
    every = of_rows([*systems, *drawn], rows)
    found = judged(asked, every)
    mean_of_drawn = averaged(found, [system.system for system in drawn])
    for system in drawn:
        del found[system.system]
    found[f"√p, {options.groups} groups drawn at random (mean of {RANDOM_SEEDS})"] = mean_of_drawn
    chosen = next(system for system in every if system.system == f"√p, {options.groups} groups")
    lines, matrix = meaning(chosen, groups, tags, has[rows])
    options.out.mkdir(parents=True, exist_ok=True)
    names = [group.name for group in groups]
    title = f"ROC-AUC of tracks with a group's tags ({options.split})"
    figure = heat_map(title, matrix, ["complete", *names], names, 0.5)
    figure.savefig(options.out / "groups.png", dpi=110, bbox_inches="tight")
    text = f"{table(found)}\n\n{lines}\n"
    (options.out / "readings.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
