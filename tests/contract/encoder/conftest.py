"""A small CSN with random weights and a small mixture, which promise all that trained ones do.

One thread for torch: the rows are small, and waiting threads would slow down every other test on the machine.
"""

import numpy as np
import pytest
import torch

from models.artifact import write_artifact
from models.csn.encoder import DESCRIPTIONS, NAME, PREFIX, settings_statement
from models.csn.inputs import SAMPLE_RATE_HZ
from models.csn.network import CsnNetwork
from models.csn.segment_inputs import network_inputs
from models.csn.settings import NetworkSettings
from models.csn.track_features import cut, segment_starts, waveform_to_features
from models.encoder import EncoderManifest, Space
from models.hdpgmm import encoder as hdpgmm
from models.hdpgmm.certainty import CertaintySettings
from models.hdpgmm.online import OnlineMixture, OnlineSettings
from models.hdpgmm.settings import MixtureSettings
from models.hdpgmm.tensors import mixture_tensors
from models.hdpgmm.whitening import Whitening
from models.song_frames import FEATURES
from models.tag_directions import TagDirections


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package")
def small_csn(tmp_path_factory):
    """The folder of its artifact."""
    folder = tmp_path_factory.mktemp("artifacts") / NAME
    settings = NetworkSettings(
        width=0.125, branch_blocks=1, joint_blocks=2, columns=32, context_frames=512, space_dimension=8
    )
    torch.manual_seed(0)
    network = CsnNetwork(settings)
    _give_statistics(network)
    state = {f"{PREFIX}{name}": tensor for name, tensor in network.state_dict().items()}
    tags = TagDirections(
        ("jazz", "rock"), np.eye(2, 8, dtype=np.float32), np.ones(2, np.float32), np.zeros(2, np.float32)
    )
    manifest = EncoderManifest(
        name=NAME,
        version="small",
        digest="",
        spaces=tuple(Space(name, settings.space_dimension, DESCRIPTIONS[name]) for name in settings.spaces),
        sample_rate_hz=SAMPLE_RATE_HZ,
        tags={"genre": tags.names},
        settings=settings_statement(settings),
    )
    write_artifact(folder, manifest, state | tags.tensors("genre"))
    return folder


@pytest.fixture(scope="package")
def small_hdpgmm(tmp_path_factory):
    """The folder of an artifact of five components in random places."""
    folder = tmp_path_factory.mktemp("artifacts") / hdpgmm.NAME
    settings = MixtureSettings(components=5, sticks=3)
    mixture = OnlineMixture(settings, OnlineSettings(), FEATURES)
    generator = torch.Generator().manual_seed(0)
    frames = 3 * torch.randn(300, FEATURES, generator=generator)
    mixture.begin(frames, torch.randint(5, (300,), generator=generator))
    spread = torch.full((FEATURES,), 0.1, dtype=torch.float64)
    spread[0] = 0.01  # the first MFCC is the level, in hundreds
    whitening = Whitening(torch.zeros(FEATURES, dtype=torch.float64), torch.diag(spread))
    tensors = mixture_tensors(mixture.posterior, whitening)
    manifest = EncoderManifest(
        name=hdpgmm.NAME,
        version="small",
        digest="",
        spaces=(Space(hdpgmm.SPACE, 5, hdpgmm.DESCRIPTION),),
        sample_rate_hz=SAMPLE_RATE_HZ,
        settings=hdpgmm.settings_statement(settings, CertaintySettings(familiar_above=-1e4, independent_s=2.0)),
        training={hdpgmm.COMPONENTS: [{"share": 0.2, "tags": []} for _ in range(settings.components)]},
    )
    write_artifact(folder, manifest, {name: tensor.float() for name, tensor in tensors.items()})
    return folder


def _give_statistics(network):
    """Let batch normalisation see tones and noise, as in training."""
    generator = np.random.default_rng(0)
    time = np.arange(12 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for hertz in generator.uniform(100, 1_000, 8):
        pulse = 1 - (generator.uniform(1, 4) * time % 1)
        sound = 0.3 * pulse * np.sin(2 * np.pi * hertz * time) + generator.normal(scale=0.02, size=len(time))
        features = waveform_to_features(sound.astype(np.float32))
        segments = cut(features, segment_starts(len(features)), network.settings)
        with torch.no_grad():
            network(network_inputs(segments, network.settings))
