"""The commands of `python -m models`, as steps of a benchmark."""

import subprocess
import sys


def run_models(*arguments: object) -> None:
    """Run one to its end. Its own message says what is wrong with it; nothing comes after a step that failed."""
    texts = [str(argument) for argument in arguments]
    if subprocess.run([sys.executable, "-m", "models", *texts], check=False).returncode != 0:
        raise SystemExit(f"stopped at: {' '.join(texts[:3])}")


def repeated(option: str, values: list[str]) -> list[str]:
    """An option as often as there are values."""
    return [part for value in values for part in (option, value)]
