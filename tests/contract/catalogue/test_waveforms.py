"""What every catalogue does with pictures of sound."""

import pytest

from app.domain import DEFAULT_LIBRARY, TrackKind, new_id
from app.errors import NotFound


@pytest.mark.parametrize("kind", TrackKind)
def test_a_waveform_is_stored_and_replaced(catalogue, make, kind):
    track, other = (catalogue.add_track(make.track(kind=kind)) for _ in range(2))
    catalogue.save_waveform(track.id, bytes([0, 128, 255]))
    assert catalogue.waveform(track.id) == bytes([0, 128, 255])
    catalogue.save_waveform(track.id, b"")
    assert catalogue.waveform(track.id) == b""
    with pytest.raises(NotFound, match="No waveform"):
        catalogue.waveform(other.id)


def test_a_waveform_goes_with_its_track(catalogue, make):
    track = catalogue.add_track(make.track())
    catalogue.save_waveform(track.id, b"x")
    catalogue.delete_track(DEFAULT_LIBRARY, track.id)
    with pytest.raises(NotFound):
        catalogue.waveform(track.id)


@pytest.mark.parametrize("gone", [pytest.param(new_id(), id="a new id"), "x", "\0"])
def test_what_is_not_there_has_none(catalogue, gone):
    with pytest.raises(NotFound):
        catalogue.save_waveform(gone, b"x")
    with pytest.raises(NotFound):
        catalogue.waveform(gone)
