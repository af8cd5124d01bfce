"""What makes an excerpt unusable; such a draw is drawn again."""

import numpy as np

from models.rendering.performance import Performance
from models.rendering.synthesis import RATE_HZ, Samples

MIN_ONSETS_PER_S = 0.7
MAX_ONSETS_PER_S = 25.0
MIN_LEVEL_DB = -50.0
QUIET_DB = -40.0
"""Below the level of the whole excerpt, a stretch counts as silent."""
OPENING_S = 0.5
STRETCH_S = 3.0


class Unusable(Exception):
    """An excerpt that nobody could learn from, with the reason."""


def check_notes(performance: Performance | None) -> Performance:
    """Give back what can be rendered.

    Raises:
        Unusable: There is nothing to play, hardly anything happens, or more than anybody plays.
    """
    if performance is None:
        raise Unusable("nothing to play")
    if performance.onsets_per_s < MIN_ONSETS_PER_S:
        raise Unusable("too few notes")
    if performance.onsets_per_s > MAX_ONSETS_PER_S:
        raise Unusable("too many notes")
    return performance


def check_sound(sound: Samples) -> Samples:
    """Give back (channels, T) samples that sound from beginning to end.

    Raises:
        Unusable: They are silent or nearly so, as a whole, at the beginning or for a stretch.
    """
    power = (sound.astype(np.float64) ** 2).mean(0)
    level = power.mean()
    if not level > 10 ** (MIN_LEVEL_DB / 10):
        raise Unusable("silent")
    floor = level * 10 ** (QUIET_DB / 10)
    if power[: round(OPENING_S * RATE_HZ)].mean() < floor:
        raise Unusable("begins with silence")
    stretch = round(STRETCH_S * RATE_HZ)
    whole = power[: len(power) // stretch * stretch].reshape(-1, stretch)
    if len(whole) and whole.mean(1).min() < floor:
        raise Unusable("silent for a stretch")
    return sound
