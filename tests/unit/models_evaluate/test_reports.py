import json
from dataclasses import replace

import numpy as np
import pytest

from models.evaluate.report import COMPLETE, RANDOM, Report, Row
from models.evaluate.writer import as_markdown, table, write_report
from models.metrics.bootstrap import Estimate, Resampling, estimate_mean


def figure(value, low=None, high=None):
    return Estimate(
        value, value - 0.1 if low is None else low, value + 0.1 if high is None else high, 7, np.zeros(3)
    )


@pytest.fixture
def report():
    values = np.random.default_rng(0).random(40)
    draws = Resampling(50).draws(40)
    rows = (
        Row("album", "ours", COMPLETE, {"P@1": estimate_mean(values, draws), "rank": figure(3.0)}),
        Row("album", "ours", "timbre", {"P@1": figure(0.9), "rank": figure(20.0)}),
        Row("album", RANDOM, COMPLETE, {"P@1": figure(0.1), "rank": figure(50.0)}),
        Row("key or tempo", "ours", COMPLETE, {"AUC": figure(float("nan"), float("nan"), float("nan"))}),
    )
    return Report("retrieval", "Who finds the album", {"tracks": 40}, rows, ("A note.",), lower=frozenset({"rank"}))


def test_a_report_is_written_as_json_markdown_plots_and_replicates(report, tmp_path):
    paths = write_report(report, tmp_path / "new" / "folder")
    assert {path.name for path in paths} == {
        "retrieval.json",
        "retrieval.md",
        "retrieval.npz",
        "retrieval-album.png",
        "retrieval-key-or-tempo.png",
    }
    assert all(path.stat().st_size > 0 for path in paths)


def test_json_holds_every_figure_with_its_interval_and_null_for_what_was_not_measured(report, tmp_path):
    write_report(report, tmp_path)
    data = json.loads((tmp_path / "retrieval.json").read_text())
    first = report.rows[0].figures["P@1"]
    assert data["rows"][0]["figures"]["P@1"] == {
        "value": first.value,
        "low": first.low,
        "high": first.high,
        "count": 40,
    }
    assert data["rows"][3]["figures"]["AUC"]["value"] is None
    assert data["lower_is_better"] == ["rank"]


def test_replicates_are_kept_by_task_system_space_and_measure(report, tmp_path):
    write_report(report, tmp_path)
    with np.load(tmp_path / "retrieval.npz") as kept:
        np.testing.assert_allclose(
            kept["album/ours/complete/P@1"], report.rows[0].figures["P@1"].replicates, rtol=1e-6
        )


def test_the_best_complete_space_stands_in_bold_whichever_way_the_measure_runs(report):
    lines = table(report.rows[:3], report.lower).splitlines()
    assert lines[0] == "| system | space | P@1 | rank ↓ |"
    assert lines[2].count("**") == 4
    assert "**" not in lines[3] + lines[4]


def test_markdown_says_what_could_not_be_measured_and_shows_notes_and_pictures(report):
    text = as_markdown(report, ["retrieval-album.png"])
    assert "| ours | complete | – |" in text
    assert "- A note." in text
    assert "![retrieval-album](retrieval-album.png)" in text


def test_tasks_that_differ_in_a_sign_have_pictures_of_their_own(report, tmp_path):
    rows = tuple(replace(report.rows[0], task=f"pitch {sign}1 st") for sign in "+-")
    names = {path.name for path in write_report(replace(report, rows=rows), tmp_path)}
    assert {"retrieval-pitch-plus-1-st.png", "retrieval-pitch-minus-1-st.png"} <= names
    hyphen = {
        path.name for path in write_report(replace(report, rows=(replace(rows[0], task="low-pass"),)), tmp_path)
    }
    assert "retrieval-low-pass.png" in hyphen
