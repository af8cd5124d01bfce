"""The figures of docs/encoders/hdpgmm.md: questions asked of hdpgmm and of what it is compared with, as tables.

    python -m benchmarks.hdpgmm_card OUT --recordings benchmarks/labels/all.csv --audio MUSIC \
        [--rendered RENDERED/manifest.csv]

RENDERED is the corpus of `benchmarks.rendered_corpus`. Reports go to OUT/recorded and OUT/rendered, the tables to
OUT/card.md; what was heard before is not heard again. --system can be given again and replaces those that are asked
by default; `hdpgmm@FOLDER` judges another artifact.
"""

import argparse
from pathlib import Path

from benchmarks.cards import ask, show
from models.datasets.track import DIMENSIONS, TAG_DIMENSIONS

SHIPPED = Path(__file__).parents[1] / "models" / "weights"
SYSTEMS = ("hdpgmm", "librosa", "csn", f"g1@{SHIPPED / 'g1'}", f"vq@{SHIPPED / 'vq'}", "kim", "clmr")
QUESTIONS = ("retrieval", "probes", "tagging")
TAGS = [*TAG_DIMENSIONS, "all tags"]


def recorded_tables(out: Path) -> list[str]:
    """Of the reports on recordings."""
    return [
        show("Same album, same artist, recordings", out, "retrieval", ["P@1", "MAP"], ["album", "artist"]),
        show("Teachers' tags in common, recordings", out, "retrieval", ["MAP"], [*TAG_DIMENSIONS]),
        show("What a probe tells, recordings", out, "probes", ["macro-F1"], [*TAG_DIMENSIONS, "key"]),
        show("Teachers' tags by probes and prototypes, recordings", out, "tagging", ["probe ROC-AUC"], TAGS),
    ]


def rendered_tables(out: Path) -> list[str]:
    """Of the reports on rendered pieces."""
    return [
        show("Is the nearest track alike? Rendered", out, "retrieval", ["P@1"], [*DIMENSIONS]),
        show("What a probe tells, rendered", out, "probes", ["macro-F1"], [*TAG_DIMENSIONS, "key"]),
        show("Tags by probes, rendered", out, "tagging", ["probe ROC-AUC"], TAGS),
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--recordings", required=True, help="manifest with a split")
    arguments.add_argument("--audio", required=True)
    arguments.add_argument("--rendered", help="manifest with a split")
    arguments.add_argument("--system", action="append", help=f"default: {', '.join(SYSTEMS)}")
    options = arguments.parse_args()
    systems = options.system or [*SYSTEMS]
    tables = []
    for question in QUESTIONS:
        ask(question, options.recordings, systems, options.out / "recorded", "--audio", options.audio)
    tables += recorded_tables(options.out / "recorded")
    if options.rendered:
        for question in QUESTIONS:
            ask(question, options.rendered, systems, options.out / "rendered", "--across-origins", "--no-shortcuts")
        tables += rendered_tables(options.out / "rendered")
    card = options.out / "card.md"
    card.write_text("\n".join(tables), encoding="utf-8")
    print(card)


if __name__ == "__main__":
    main()
