"""Taggers with random weights in the form of the published files, which cannot be shipped."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from models.taggers.front_end import SAMPLE_RATE_HZ, mel_filters, window
from models.taggers.networks import NETWORKS
from models.taggers.tagger import read_tagger


@pytest.fixture(scope="session")
def write_weights():
    """Write a file of random weights, after ``change`` was applied to its tensors."""

    def write(folder, name="msd_fcn", change=lambda tensors: tensors, seed=0):
        torch.manual_seed(seed)
        tensors = dict(NETWORKS[name.partition("_")[2]]().state_dict())
        tensors |= {"spec.spectrogram.window": window(), "spec.mel_scale.fb": mel_filters()}
        tensors["spec_bn.running_mean"], tensors["spec_bn.running_var"] = (
            torch.tensor([-2.0]),
            torch.tensor([218.0]),
        )
        path = folder / f"{name}.pth"
        torch.save(change(tensors), path)
        return path

    return write


@pytest.fixture(scope="session")
def tagger(tmp_path_factory, write_weights):
    """A random tagger by its name."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = read_tagger(write_weights(tmp_path_factory.mktemp(name), name))
        return made[name]

    return get


@pytest.fixture(scope="session")
def noise():
    """(T,) noise of so many seconds at the taggers' rate, with a level that changes."""

    def make(duration_s, seed=0):
        samples = round(duration_s * SAMPLE_RATE_HZ)
        swell = np.linspace(0.01, 0.3, samples)
        return (np.random.default_rng(seed).standard_normal(samples) * swell).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def published_weights():
    """The folder with the published weights, where somebody has them."""
    folder = os.environ.get("SOUNDKIN_TEST_TAGGERS")
    if not folder:
        pytest.skip("SOUNDKIN_TEST_TAGGERS names no folder with the published weights")
    return Path(folder)
