"""Build the rendered corpus of docs/evaluation.md in one go: tools, scores, audio with exact labels.

    python -m benchmarks.rendered_corpus OUT --mutopia MutopiaProject

Each step is a command of its own (`python -m models corpus tools | scores | render`) and goes on where an
interrupted run stopped; this puts them in order, with the settings that the figures come from. The Mutopia
project's sources (github.com/MutopiaProject/MutopiaProject, a folder or a tar archive) are programs that LilyPond
runs: fetch them from where you trust them. Without them the corpus is made of MMA's accompaniments alone.
"""

import argparse
from os import cpu_count
from pathlib import Path

from benchmarks.commands import repeated, run_models

FONTS = {
    "timgm6mb-soundfont": "TimGM6mb.sf2",
    "csound-soundfont": "sf_GMbank.sf2",
    "opl3-soundfont": "OPL-3_FM_128M.sf2",
}
HELD_OUT = ("fluid-soundfont-gm", "FluidR3_GM.sf2")


def font(tools: Path, package: str, name: str) -> Path:
    """The SoundFont itself, not a link to it."""
    return next(path for path in sorted((tools / package).rglob(name)) if not path.is_symlink())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--mutopia", type=Path, help="folder or tar archive of the project's sources")
    arguments.add_argument("--pieces", type=int, default=480, help="sources, in turns from every composer")
    arguments.add_argument("--excerpts", type=int, default=2_100)
    arguments.add_argument("--seconds", type=float, default=22.0)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--jobs", type=int, default=cpu_count() or 1)
    options = arguments.parse_args()

    tools, scores = options.out / "tools", options.out / "scores"
    jobs = ("--jobs", options.jobs)
    run_models("corpus", "tools", tools)
    run_models("corpus", "scores", "mma", tools, scores / "mma", "--seed", options.seed, *jobs)
    sources = ["--source", f"mma={scores / 'mma'}"]
    if options.mutopia:
        limit = ("--limit", options.pieces)
        run_models("corpus", "scores", "lilypond", options.mutopia, scores / "mutopia", *limit, *jobs)
        sources = ["--source", f"mutopia={scores / 'mutopia'}", *sources]
    fonts = repeated("--soundfont", [str(font(tools, *name)) for name in FONTS.items()])
    run_models(
        "corpus",
        "render",
        options.out,
        *fonts,
        *("--hold-out", font(tools, *HELD_OUT)),
        *sources,
        *("--excerpts", options.excerpts, "--seconds", options.seconds, "--seed", options.seed, *jobs),
    )


if __name__ == "__main__":
    main()
