"""The figures of docs/encoders/csn.md: every question asked of csn and of what it is compared with, as tables.

    python -m benchmarks.csn_card OUT --rendered RENDERED/manifest.csv --recordings benchmarks/labels/all.csv \
        --audio MUSIC

RENDERED is the corpus of `benchmarks.rendered_corpus`. Reports go to OUT/rendered and OUT/recorded, the tables to
OUT/card.md; what was heard before is not heard again. `--system csn@FOLDER` judges another artifact.
"""

import argparse
import json
from pathlib import Path

from benchmarks.cards import ask, show
from benchmarks.evaluation_tables import figure
from models.datasets.track import DIMENSIONS, TAG_DIMENSIONS

PEERS = ("librosa", "g1", "vq", "bliss")
QUERIES = 60


def combined(out: Path, system: str) -> str:
    """Triplet accuracy of combinations of sub-spaces (paper 001, table 2), best first."""
    report = json.loads((out / "triplets.json").read_text(encoding="utf-8"))
    title = f"all dimensions, sub-spaces of {system}"
    rows = [row for row in report["rows"] if row["task"] == title]
    lines = [f"| {row['space']} | {figure(row['figures']['accuracy'])} |" for row in rows]
    return "\n".join(["### Combinations of sub-spaces\n", "| sub-spaces | accuracy |", "|---|---:|", *lines]) + "\n"


def tables(rendered: Path, recorded: Path, system: str) -> list[str]:
    """Of the reports in both folders."""
    dimensions, tags = [*DIMENSIONS], [*TAG_DIMENSIONS, "all tags"]
    own = [f"{dimension} by its own tags" for dimension in TAG_DIMENSIONS]
    both = ["probe ROC-AUC", "prototype ROC-AUC"]
    return [
        show("Triplet accuracy, rendered test pieces", rendered, "triplets", ["accuracy"], dimensions),
        combined(rendered, system),
        show("Is the nearest track alike? Rendered", rendered, "retrieval", ["P@1"]),
        show("What a probe tells from each space, rendered", rendered, "disentanglement", ["score"], dimensions),
        show("Tags by probes and prototypes, rendered", rendered, "tagging", both, tags),
        show("Tags by their own directions, rendered", rendered, "tagging", ["ROC-AUC"], own),
        show("Same album, same artist, recordings", recorded, "retrieval", ["P@1", "MAP"], ["album", "artist"]),
        show("The teachers' tags by probes and prototypes, recordings", recorded, "tagging", both, tags),
        show("The teachers' tags by their own directions, recordings", recorded, "tagging", ["ROC-AUC"], own),
        show("Likeness that an altered copy keeps", recorded, "robustness", ["likeness kept"]),
        show("Is the altered copy's original the nearest?", recorded, "robustness", ["R@1"]),
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--rendered", required=True)
    arguments.add_argument("--recordings", required=True)
    arguments.add_argument("--audio", required=True)
    arguments.add_argument("--system", default="csn")
    options = arguments.parse_args()
    systems = [options.system, *PEERS]
    rendered, recorded = options.out / "rendered", options.out / "recorded"
    for question in ("triplets", "retrieval", "tagging", "disentanglement"):
        ask(question, options.rendered, systems, rendered, "--across-origins", "--no-shortcuts")
    for question in ("retrieval", "tagging"):
        ask(question, options.recordings, systems, recorded, "--audio", options.audio)
    alone = ["--split", "test", "--most-queries", str(QUERIES), "--no-shortcuts", "--audio", options.audio]
    ask("robustness", options.recordings, [options.system, "librosa"], recorded, *alone)
    card = options.out / "card.md"
    card.write_text("\n".join(tables(rendered, recorded, options.system)), encoding="utf-8")
    print(card)


if __name__ == "__main__":
    main()
