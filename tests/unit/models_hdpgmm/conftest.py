"""Made-up corpora whose components are known, and mixtures small enough for tests."""

import pytest
import torch
from hypothesis import settings

from models.hdpgmm.online import OnlineMixture, OnlineSettings
from models.hdpgmm.settings import MixtureSettings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

FEATURES = 4
CENTRES = 5


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Corpus:
    """Songs out of five Gaussians far apart, of which every song uses some; white as a whole."""

    def __init__(self, songs=30, frames=80, seed=0, spread=4.0):
        generator = torch.Generator().manual_seed(seed)
        drawn = {"generator": generator, "dtype": torch.float64}
        centres = spread * torch.randn(CENTRES, FEATURES, **drawn)
        uses = torch.rand(songs, CENTRES, **drawn) ** 3 + 1e-3
        self.labels = [torch.multinomial(row, frames, replacement=True, generator=generator) for row in uses]
        heard = [centres[labels] + torch.randn(frames, FEATURES, **drawn) for labels in self.labels]
        everything = torch.cat(heard)
        mean, covariance = everything.mean(0), torch.cov(everything.T)
        whitening = torch.linalg.cholesky(torch.linalg.inv(covariance))
        self.songs = [(song - mean) @ whitening for song in heard]


@pytest.fixture(scope="session")
def corpus():
    """The same for all tests."""
    return Corpus()


@pytest.fixture(scope="session")
def make():
    """Functions that make corpora and mixtures."""
    return Makers()


class Makers:
    corpus = Corpus

    @staticmethod
    def settings(**changes):
        sizes = {"components": 12, "sticks": 6, "precision_scale": 1 / (FEATURES + 2)}
        return MixtureSettings(**{**sizes, **changes})

    @classmethod
    def mixture(cls, online=None, features=FEATURES, **changes):
        return OnlineMixture(cls.settings(**changes), OnlineSettings(**(online or {})), features)

    @classmethod
    def begun(cls, songs, online=None, **changes):
        """A mixture whose components begin where frames are, as k-means++ finds them."""
        mixture = cls.mixture(online, songs[0].shape[1], **changes)
        frames = torch.cat(songs)
        mixture.begin(frames, nearest_seed(frames, mixture.settings.components))
        return mixture


def nearest_seed(frames, components):
    from sklearn.cluster import kmeans_plusplus

    centres, _ = kmeans_plusplus(frames.double().numpy(), min(components, len(frames)), random_state=0)
    return torch.cdist(frames.double(), torch.from_numpy(centres)).argmin(1)
