"""Small encoders of every kind, mostly with random weights, which promise all that trained ones do.

One thread for torch: the rows are small, and waiting threads would slow down every other test on the machine.
"""

import numpy as np
import pytest
import torch

from models.artifact import write_artifact
from models.audible_frames import track_frames
from models.baselines.block_encoder import PREFIX as BLOCK_PREFIX
from models.baselines.clmr import ClmrEncoder
from models.baselines.clmr_network import BLOCK_SAMPLES, ClmrNetwork, ClmrSettings
from models.baselines.encoder import EncoderSettings
from models.baselines.gaussian import GaussianEncoder
from models.baselines.kim import KimEncoder
from models.baselines.kim_inputs import BLOCK_FRAMES, kim_blocks, mel_decibels
from models.baselines.kim_network import KimNetwork, KimSettings
from models.baselines.lstm import LstmEncoder
from models.baselines.lstm_network import LstmNetwork, LstmSettings
from models.baselines.training.export import export, unscaled
from models.baselines.training.learn_codebook import learn_codebook
from models.baselines.vq import VqEncoder, VqSettings
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
from models.runs.band_statistics import band_statistics
from models.song_frames import FEATURES
from models.tag_directions import TagDirections
from models.track_frames import canonicalise
from models.wavenet import encoder as wavenet
from models.wavenet.inputs import canonical_to_signal
from models.wavenet.network import WavenetNetwork
from models.wavenet.settings import WavenetSettings
from models.wavenet.sphere import REACH

CPU = torch.device("cpu")
SMALL_STACKS = {"channels": 6, "skip_channels": 4, "stacks": 2, "layers": 2, "parts": 2, "connected": (8,)}


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


@pytest.fixture(scope="package")
def small_g1(tmp_path_factory):
    """The folder of an artifact."""
    return _baseline(tmp_path_factory, GaussianEncoder, EncoderSettings(), {})


@pytest.fixture(scope="package")
def small_vq(tmp_path_factory):
    """The folder of an artifact whose codewords are frames."""
    frames = torch.cat([track_frames(sound)[0] for sound in _tones()]).numpy()
    codebook = learn_codebook(frames, 8, 0)
    tensors = {f"codebook.{part}": getattr(codebook, part).float() for part in ("mean", "weight", "words")}
    return _baseline(tmp_path_factory, VqEncoder, VqSettings(codewords=8), tensors)


@pytest.fixture(scope="package")
def small_kim(tmp_path_factory):
    """The folder of an artifact with random weights, whose vectors hold deviations too."""
    torch.manual_seed(0)
    settings = KimSettings(dimension=16, deviation=True)
    network = KimNetwork(settings)
    spectrograms = [mel_decibels(canonicalise(sound)) for sound in _tones()]
    network.standardise_by(*band_statistics(spectrograms))
    blocks = torch.cat([kim_blocks().cut(mel, torch.arange(4) * BLOCK_FRAMES) for mel in spectrograms])
    tensors = _with_statistics(network, blocks)
    return _baseline(tmp_path_factory, KimEncoder, settings, tensors)


@pytest.fixture(scope="package")
def small_clmr(tmp_path_factory):
    """The folder of an artifact with random weights."""
    torch.manual_seed(0)
    settings = ClmrSettings(channels=(4,) * 10, dimension=16)
    sounds = torch.from_numpy(np.stack([canonicalise(sound) for sound in _tones()]))
    tensors = _with_statistics(ClmrNetwork(settings), torch.cat(sounds.split(BLOCK_SAMPLES, 1)[:4]))
    return _baseline(tmp_path_factory, ClmrEncoder, settings, tensors)


@pytest.fixture(scope="package")
def small_lstm(tmp_path_factory):
    """The folder of an artifact with random weights."""
    torch.manual_seed(0)
    settings = LstmSettings(hidden=16)
    state = LstmNetwork(settings).state_dict()
    tensors = {f"{BLOCK_PREFIX}{name}": tensor for name, tensor in state.items()}
    return _baseline(tmp_path_factory, LstmEncoder, settings, tensors)


@pytest.fixture(scope="package")
def small_wavenet(tmp_path_factory):
    """The folder of an artifact on samples, compared by cosine."""
    return _wavenet(tmp_path_factory, WavenetSettings(mean_pool=5, **SMALL_STACKS))


@pytest.fixture(scope="package")
def small_wavenet_mel(tmp_path_factory):
    """The folder of an artifact on frames that looks ahead, compared by distance."""
    chosen = {"signal": "mel", "mel_bands": 32, "padding": "centred", "similarity": "euclidean", "segment_s": 5}
    return _wavenet(tmp_path_factory, WavenetSettings(**chosen, **SMALL_STACKS, final_pooling="mean"))


def _wavenet(tmp_path_factory, settings):
    """Random weights, but for an end whose embeddings of tones lie around 0."""
    folder = tmp_path_factory.mktemp("artifacts") / wavenet.NAME
    torch.manual_seed(0)
    network = WavenetNetwork(settings).eval()
    signals = [canonical_to_signal(canonicalise(sound), settings) for sound in _tones()]
    network.stacks.standardise_by(*band_statistics(signals))
    with torch.no_grad():
        embeddings = network(torch.stack(signals)[:, : len(signals[0]) // settings.step * settings.step])
        network.end.connected[-1].bias -= embeddings.mean(0)
        longest = (embeddings - embeddings.mean(0)).norm(dim=1).max()
    tensors = {f"{wavenet.PREFIX}{name}": tensor for name, tensor in network.state_dict().items()}
    if settings.similarity == "euclidean":
        tensors[wavenet.RADIUS] = REACH * longest
    write_artifact(folder, wavenet.described(settings, "small", {}), tensors)
    return folder


def _baseline(tmp_path_factory, kind, settings, tensors):
    folder = tmp_path_factory.mktemp("artifacts") / kind.name
    encoder = unscaled(kind, kind.described(settings, "small", {}), tensors, CPU)
    tracks = [encoder.prepare(sound).inputs for sound in _tones()]
    export(kind, settings, tensors, tracks, folder, version="small", training={}, device=CPU)
    return folder


def _with_statistics(network, blocks):
    """The tensors of a network whose batch normalisation has seen these blocks."""
    for module in network.modules():
        if hasattr(module, "momentum"):
            module.momentum = None  # the statistics are then those of the blocks alone
    with torch.no_grad():
        network(blocks)
    state = network.state_dict()
    return {f"{BLOCK_PREFIX}{name}": tensor for name, tensor in state.items() if tensor.is_floating_point()}


def _tones():
    """Pulsed tones in noise, 12 s each."""
    generator = np.random.default_rng(0)
    time = np.arange(12 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for hertz in generator.uniform(100, 1_000, 8):
        pulse = 1 - (generator.uniform(1, 4) * time % 1)
        sound = 0.3 * pulse * np.sin(2 * np.pi * hertz * time) + generator.normal(scale=0.02, size=len(time))
        yield sound.astype(np.float32)


def _give_statistics(network):
    """Let batch normalisation see tones and noise, as in training."""
    for sound in _tones():
        features = waveform_to_features(sound)
        segments = cut(features, segment_starts(len(features)), network.settings)
        with torch.no_grad():
            network(network_inputs(segments, network.settings))
