import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluate.comparison import differences, holm
from models.evaluate.comparison_writer import write_comparison
from models.evaluate.report import COMPLETE, RANDOM, Report, Row
from models.metrics.bootstrap import Resampling, estimate_mean

DRAWS = Resampling(400).draws(200)
NOISE = np.random.default_rng(3).random(200)


def report(measure="P@1", lower=(), **systems):
    rows = tuple(
        Row("album", name, COMPLETE, {measure: estimate_mean(values, DRAWS)}) for name, values in systems.items()
    )
    return Report("retrieval", "Title", {}, rows, lower=frozenset(lower))


def test_a_small_but_steady_advantage_on_the_same_queries_is_significant():
    found = differences([report(one=NOISE + 0.02, other=NOISE)], ["one", "other"])
    assert [difference.better for difference in found] == ["one"]
    assert found[0].difference.value == pytest.approx(0.02)
    assert found[0].difference.low > 0


def test_a_difference_within_the_noise_has_no_winner():
    shuffled = np.random.default_rng(4).permutation(NOISE)
    found = differences([report(one=NOISE, other=shuffled)], ["one", "other"])
    assert found[0].better is None


def test_where_less_is_better_the_smaller_figure_wins():
    found = differences([report("rank", ("rank",), one=NOISE + 0.02, other=NOISE)], ["one", "other"])
    assert found[0].better == "other"


def test_every_pair_of_named_systems_is_compared_and_baselines_are_left_out():
    found = differences([report(a=NOISE, b=NOISE, c=NOISE, **{RANDOM: NOISE})], ["c", "a", "b"])
    assert [(one.one, one.other) for one in found] == [("c", "a"), ("c", "b"), ("a", "b")]


def test_tasks_made_of_one_systems_mistakes_are_passed_over():
    fair = report(one=NOISE + 0.02, other=NOISE)
    assert differences([replace(fair, slanted=frozenset(["album"]))], ["one", "other"]) == ()


def test_equal_systems_have_a_p_value_of_one():
    assert differences([report(one=NOISE, other=NOISE)], ["one", "other"])[0].p_value == 1


def test_holm_multiplies_by_what_is_left_and_never_falls():
    assert holm([0.01, 0.04, 0.03, float("nan")])[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(holm([0.01, float("nan")])[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_lies_between_the_raw_and_bonferroni(p_values):
    corrected = np.array(holm(p_values))
    raw = np.array(p_values)
    assert (np.diff(corrected[np.argsort(raw)]) >= 0).all()
    assert (corrected >= raw).all()
    assert (corrected <= np.minimum(1, raw * len(raw)) + 1e-12).all()


def test_a_comparison_is_written_as_json_a_table_and_a_picture(tmp_path):
    found = differences([report(one=NOISE + 0.02, other=NOISE)], ["one", "other"])
    data, text, plot = write_comparison(found, ["one", "other"], {"tracks": 200}, tmp_path)
    assert json.loads(data.read_text())["differences"][0]["better"] == "one"
    assert "| retrieval | album | P@1 | one − other |" in text.read_text()
    assert plot.stat().st_size > 0


def test_all_systems_stand_side_by_side_in_one_row_per_measure(tmp_path):
    rows = tuple(
        Row("album", name, COMPLETE, {measure: estimate_mean(NOISE, DRAWS) for measure in ("P@1", "MAP")})
        for name in "abc"
    )
    found = differences([Report("retrieval", "Title", {}, rows)], ["a", "b", "c"])
    _, text, _ = write_comparison(found, ["a", "b", "c"], {}, tmp_path)
    table = text.read_text().split("## Verdicts")[0]
    assert table.count("| retrieval | album | P@1 |") == table.count("| retrieval | album | MAP |") == 1
    assert "–" not in table.split("## Figures")[1]
