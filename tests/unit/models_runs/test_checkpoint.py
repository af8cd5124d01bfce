"""Where a run stands on disk: whole or not at all, and of the same run only."""

from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from models.errors import TrainingInterrupted
from models.runs.checkpoint import load, save


@dataclass
class State:
    identity: str
    epoch: int = 0
    network: dict[str, Any] = field(default_factory=dict)
    optimiser: dict[str, Any] = field(default_factory=dict)
    best_error: float = float("inf")


@pytest.fixture
def checkpoint():
    return State(
        identity="this run",
        epoch=3,
        network={"weight": torch.arange(1_000.0)},
        optimiser={"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        best_error=0.25,
    )


@pytest.fixture
def path(tmp_path, checkpoint):
    save(checkpoint, tmp_path / "last.pt")
    return tmp_path / "last.pt"


def test_what_was_saved_is_loaded(path, checkpoint):
    found = asdict(load(State, path, "this run"))
    expected = asdict(checkpoint)
    assert torch.equal(found.pop("network")["weight"], expected.pop("network")["weight"])
    assert found == expected


def test_the_run_of_something_else_is_refused_with_what_to_do(path):
    with pytest.raises(TrainingInterrupted, match=r"holds a run of another .* remove last\.pt to begin anew"):
        load(State, path, "that run")


@runs(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True))
def test_a_checkpoint_cut_off_anywhere_is_refused_in_plain_words(path, checkpoint, share):
    save(checkpoint, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(TrainingInterrupted, match=r"cannot be read \(.*\)\. Remove last\.pt to begin anew"):
        load(State, path, "this run")


@pytest.mark.parametrize("content", [b"", b"hello world", bytes(500), b"\xff" * 5_000, b"\x80\x02}q\x00."])
def test_what_is_no_checkpoint_is_refused_without_torchs_advice(path, content):
    path.write_bytes(content)
    with pytest.raises(TrainingInterrupted, match=r"cannot be read \(it is damaged\)"):
        load(State, path, "this run")


@pytest.mark.parametrize("content", [torch.zeros(3), {}, {"identity": "this run", "colour": "red"}])
def test_what_torch_can_read_and_is_no_checkpoint_is_refused(path, content):
    torch.save(content, path)
    with pytest.raises(TrainingInterrupted, match=r"cannot be read \(it is damaged\)"):
        load(State, path, "this run")


def test_code_in_a_checkpoint_is_never_run(path, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save(Evil(), path)
    with pytest.raises(TrainingInterrupted, match="damaged"):
        load(State, path, "this run")
    assert not (tmp_path / "ran").exists()


def test_one_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TrainingInterrupted, match=r"best\.pt cannot be read \(.*No such file"):
        load(State, tmp_path / "best.pt", "this run")


@pytest.mark.parametrize("left_bytes", [0, 1_000, 4_000])
def test_without_room_the_one_before_stays_and_nothing_beside_it(no_room, path, checkpoint, left_bytes):
    checkpoint.epoch = 4
    with (
        no_room(left_bytes),
        pytest.raises(TrainingInterrupted, match=r"last\.pt cannot be written \(.*\)\. Make room"),
    ):
        save(checkpoint, path)
    assert load(State, path, "this run").epoch == 3
    assert [found.name for found in path.parent.iterdir()] == ["last.pt"]
