"""Settings that cannot be used end every command with one line that says what to do."""

import socket
import sys

import pytest

from app.__main__ import main
from app.settings import Settings
from workers.__main__ import main as work


@pytest.fixture
def soundkin(tmp_path, monkeypatch, capsys):
    """Run a command on an empty data directory; returns what it printed, with its last words."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["soundkin", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code
        return capsys.readouterr().out + str(ended.value.code)

    return run


MISTAKES = [
    ("SOUNDKIN_PORT", "abc"),
    ("SOUNDKIN_ENCODERS", ","),
    ("SOUNDKIN_DEVICE", "potato"),
    ("SOUNDKIN_REDIS_URL", "nonsense"),
    ("SOUNDKIN_AUDIO_URL", "nonsense://x"),
    ("SOUNDKIN_DATA_DIR", "/proc/nope"),
]


@pytest.mark.parametrize(("variable", "value"), MISTAKES)
def test_the_doctor_names_a_variable_that_cannot_be_used(soundkin, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    said = soundkin("doctor")
    assert said.startswith("FAIL configuration: ")
    assert variable in said


@pytest.mark.parametrize(("variable", "value"), MISTAKES)
def test_the_service_does_not_start_with_a_variable_that_cannot_be_used(soundkin, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    said = soundkin("serve")
    assert said.startswith("soundkin: ")
    assert variable in said


def test_a_worker_ends_with_the_name_of_a_variable_that_is_not_valid(monkeypatch, capsys):
    monkeypatch.setenv("SOUNDKIN_LEASE_S", "soon")
    with pytest.raises(SystemExit) as ended:
        work()
    assert ended.value.code == 2
    assert "SOUNDKIN_LEASE_S" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_before_a_worker_is_started(soundkin):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = soundkin("serve", "--port", str(port))
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "SOUNDKIN_PORT" in said


def test_a_host_that_has_no_address_is_told_with_what_to_do(soundkin, monkeypatch):
    monkeypatch.setenv("SOUNDKIN_ADMIN_KEY", "k" * 40)
    assert "cannot listen on nonsense..host:8000" in soundkin("serve", "--host", "nonsense..host")


def test_an_admin_key_that_can_be_guessed_is_refused(soundkin, monkeypatch):
    monkeypatch.setenv("SOUNDKIN_ADMIN_KEY", "secret")
    said = soundkin("serve")
    assert "SOUNDKIN_ADMIN_KEY" in said
    assert "at least 32" in said


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("SOUNDKIN_ADMIN_KEY", "")
    monkeypatch.setenv("SOUNDKIN_REDIS_URL", "")
    settings = Settings()
    assert settings.admin_key is None
    assert settings.redis_url is None
