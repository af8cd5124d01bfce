"""Training commands in processes of their own: started, killed, and run again."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pytest

RATE = 22_050


@dataclass(frozen=True)
class Program:
    """A training command.

    Attributes:
        encoder: That it trains.
        config: How ``--config`` names its configuration; relative to the folder of the corpus where it is a file.
    """

    encoder: str
    config: str = "tiny.toml"

    def started(self, corpus, out, *options):
        """The process, whose standard error can be read."""
        config = str(corpus / self.config) if self.config.endswith(".toml") else self.config
        places = ("--data", f"made={corpus / 'manifest.csv'}", "--out", str(out), "--config", config)
        command = [sys.executable, "-m", "models", "train", self.encoder, *places, "--device", "cpu", "--jobs", "1"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        return subprocess.Popen([*command, *options], env=environment, stderr=subprocess.PIPE, text=True)

    def finished(self, corpus, out, *options):
        """What it said in a run that came to its end."""
        with self.started(corpus, out, *options) as process:
            said = process.stderr.read()
            assert process.wait(60) == 0, said
        return said

    def killed(self, corpus, out, *options, stage=""):
        """What it said until it was killed, after its first checkpoint, or that of a stage with its own folder."""
        with self.started(corpus, out, *options) as process:
            deadline = time.monotonic() + 240
            while not (out / stage / "last.pt").exists():
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.kill()
            return process.stderr.read()


@pytest.fixture(scope="session")
def program():
    """Makes training commands."""
    return Program


@pytest.fixture(scope="session")
def tune():
    """Makes tunes by their number: every third is noise, the others have few or many overtones."""
    return _tune


def _tune(number):
    time_s = np.arange(int(3.3 * RATE)) / RATE
    noise = np.random.default_rng(number).normal(size=len(time_s))
    if number % 3 == 0:
        return 0.1 * noise
    parts = range(1, 2 + 10 * (number % 3 - 1))
    hertz = 220 * 2 ** (number % 7 / 12)
    return 0.2 * sum(np.sin(2 * np.pi * hertz * part * time_s) / part for part in parts) + 1e-3 * noise
