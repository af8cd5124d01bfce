"""What the benchmark of maps measures with is right."""

import json
import sys

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from benchmarks import map as benchmark
from models.catalogue_map import layout


def test_trustworthiness_is_that_of_scikit_learn():
    vectors = benchmark.made_up(200)
    positions = vectors[:, :2].copy()
    found, _ = benchmark.judge(vectors, positions, judged=200)
    assert found == pytest.approx(trustworthiness(vectors, positions, n_neighbors=15), abs=1e-9)


def test_a_map_that_keeps_all_neighbours_is_perfect_and_one_of_chance_is_not():
    flat = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    assert benchmark.judge(flat, flat, judged=100) == (1.0, 1.0)
    trust, kept = benchmark.judge(flat, flat[::-1].copy(), judged=300)
    assert trust < 0.6
    assert kept < 0.15


def test_trying_another_number_leaves_ours_as_it_is():
    vectors, usual = benchmark.made_up(60), layout.LATE
    benchmark._with(vectors, LATE=20)
    assert usual == layout.LATE


def test_it_compares_and_writes_what_it_found(tmp_path, monkeypatch, capsys):
    written = tmp_path / "map.json"
    monkeypatch.setattr(benchmark, "methods", lambda: {"two": lambda vectors: vectors[:, :2]})
    monkeypatch.setattr(sys, "argv", ["map", "--tracks", "80", "--judged", "10", "--json", str(written)])
    benchmark.main()
    found = json.loads(written.read_text())
    assert found["points"] == [80, 192]
    assert [each["method"] for each in found["methods"]] == ["two"]
    assert found["clusters"]["scores"]
    assert "80 points of 192 dimensions, made up" in capsys.readouterr().out
