import pytest

from app.errors import ConfigurationError
from app.settings import Settings, read_settings


def test_encoders_are_named_with_commas_between(monkeypatch):
    monkeypatch.setenv("SOUNDKIN_ENCODERS", "librosa, mert")
    assert read_settings().encoders == ("librosa", "mert")


def test_every_setting_that_is_not_valid_is_named_as_its_variable(monkeypatch):
    monkeypatch.setenv("SOUNDKIN_PORT", "abc")
    monkeypatch.setenv("SOUNDKIN_LEASE_S", "-1")
    with pytest.raises(ConfigurationError, match=r"SOUNDKIN_PORT: .*SOUNDKIN_LEASE_S: .*Correct"):
        read_settings()


def test_what_is_given_counts_more_than_the_environment(monkeypatch):
    monkeypatch.setenv("SOUNDKIN_PORT", "1234")
    assert read_settings(port=4321).port == 4321


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_devices_are_taken_by_their_names(device):
    assert Settings(device=device).device == device


@pytest.mark.parametrize("device", ["potato", "cuda:", "gpu"])
def test_what_is_no_device_is_refused_before_anything_starts(device):
    with pytest.raises(ConfigurationError, match="SOUNDKIN_DEVICE"):
        read_settings(device=device)
