"""Variants of an encoder: what is there is not trained again, and reports call them by their names."""

import json
from pathlib import Path
from typing import Any

from benchmarks.commands import repeated, run_models


def folder(out: Path, name: str) -> Path:
    """Of a variant's run."""
    return out / "-".join("".join(letter if letter.isalnum() else " " for letter in name).split())


def train_variant(encoder: str, run: Path, settings: list[str], data: list[str], cache: Path, *more: str) -> None:
    """Train one with its settings, unless its artifact is there."""
    if not (run / encoder / "manifest.json").exists():
        named = (*repeated("--data", data), *repeated("--set", settings))
        run_models("train", encoder, "--out", run, "--cache", cache, *named, *more)


def read_report(path: Path, names: dict[str, str]) -> dict[str, Any]:
    """A report of ``evaluate``, its systems under these names where they have one."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for row in report["rows"]:
        row["system"] = names.get(row["system"], row["system"])
    return report
