"""Programs of others that turn scores into notes: run apart, with no environment but what is given, and a limit."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.errors import ScoreUnreadable


def run_program(
    name: str, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], time_limit_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a program, without a shell, to its end, whatever its exit status.

    Args:
        name: As messages call it.
        command: The program and its arguments.
        cwd: Where it runs.
        environment: All that it gets.
        time_limit_s: After which it is killed.

    Raises:
        ScoreUnreadable: It took longer than its limit.
    """
    try:
        return subprocess.run(  # noqa: S603 - programs of our own choice
            command,
            cwd=cwd,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=time_limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ScoreUnreadable(f"{name} took longer than {time_limit_s:g} s") from error
