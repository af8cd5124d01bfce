"""Segments as the network takes them; the tempogram is computed here, in batches and on the network's device."""

from torch import Tensor

from models import features
from models.csn.inputs import TEMPOGRAM_LAGS, standardised
from models.csn.network import Inputs
from models.csn.settings import NetworkSettings
from models.csn.track_features import Segments, column_offsets


def network_inputs(segments: Segments, settings: NetworkSettings) -> Inputs:
    """Segments → what ``CsnNetwork`` takes (paper 001, section 3.2): only the mel spectrogram is z-scored."""
    mel = {"mel": standardised(segments.mel)}
    if settings.inputs == "single":
        return mel
    return mel | {"tempogram": tempogram(segments.onset, settings), "cens": segments.cens}


def tempogram(onset: Tensor, settings: NetworkSettings) -> Tensor:
    """(S, W + TEMPOGRAM_LAGS - 1) onset strength around segments → (S, TEMPOGRAM_LAGS, C)."""
    windows = onset.unfold(1, TEMPOGRAM_LAGS, 1)[:, column_offsets(settings).to(onset.device)]
    return features.windows_to_tempogram(windows).transpose(1, 2)
