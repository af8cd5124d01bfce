import numpy as np
import pytest
import torch

from models.projection import ProjectionSettings, fit_projection

PLAIN = ProjectionSettings(within_track=False, dimension=99)


@pytest.fixture
def collection():
    """(N, P) rows of 40 tracks: segments differ mostly in column 0, tracks in column 1; column 5 is constant."""
    generator = np.random.default_rng(1)
    tracks = np.repeat(np.arange(40), 12)
    rows = generator.normal(size=(len(tracks), 6))
    rows[:, 0] = generator.normal(size=len(tracks)) * 50
    rows[:, 1] = generator.normal(size=40)[tracks] * 10 + generator.normal(size=len(tracks))
    rows[:, 5] = 7.0
    return rows, tracks


def project(projection, rows):
    return projection(torch.from_numpy(rows).float()).numpy()


def test_what_tells_tracks_apart_comes_first(collection):
    rows, tracks = collection
    first = project(fit_projection(rows, tracks, ProjectionSettings(dimension=1)), rows)[:, 0]
    assert abs(np.corrcoef(first, rows[:, 1])[0, 1]) > 0.95


def test_within_a_track_all_directions_vary_alike(collection):
    rows, tracks = collection
    projected = project(fit_projection(rows, tracks, ProjectionSettings(ridge=0.0, variance=0.9999)), rows)
    means = np.array([projected[tracks == track].mean(0) for track in range(40)])
    covariance = np.cov((projected - means[tracks]).T)
    assert covariance == pytest.approx(np.eye(len(covariance)), abs=0.15)


def test_principal_components_keep_the_share_of_variance_asked_for(collection):
    rows, tracks = collection
    scores = (rows[:, :5] - rows[:, :5].mean(0)) / rows[:, :5].std(0)
    for share in (0.5, 0.9, 0.99):
        kept = project(fit_projection(rows, tracks, ProjectionSettings(within_track=False, variance=share)), rows)
        assert kept.var(0).sum() >= share * np.clip(scores, -4, 4).var(0).sum() * 0.999
        fewer = kept[:, :-1].var(0).sum()
        assert fewer < share * scores.var(0).sum()


def test_without_standardising_the_largest_unit_swamps_the_rest(collection):
    rows, tracks = collection
    settings = ProjectionSettings(standardise=False, within_track=False, variance=0.9)
    assert project(fit_projection(rows, tracks, settings), rows).shape[1] == 1
    assert (
        project(fit_projection(rows, tracks, ProjectionSettings(within_track=False, variance=0.9)), rows).shape[1]
        == 5
    )


def test_the_training_rows_have_the_mean_zero(collection):
    rows, tracks = collection
    for settings in (PLAIN, ProjectionSettings()):
        assert np.abs(project(fit_projection(rows, tracks, settings), rows).mean(0)).max() < 1e-4


def test_what_was_constant_in_training_counts_for_nothing(collection):
    rows, tracks = collection
    projection = fit_projection(rows, tracks, PLAIN)
    changed = rows.copy()
    changed[:, 5] = 1e6
    assert np.array_equal(project(projection, changed), project(projection, rows))


def test_an_extreme_value_counts_no_more_than_four_deviations(collection):
    rows, tracks = collection
    projection = fit_projection(rows, tracks, PLAIN)
    far, farther = rows[:1].copy(), rows[:1].copy()
    far[0, 0], farther[0, 0] = 1e3, 1e9
    assert np.array_equal(project(projection, far), project(projection, farther))


def test_a_row_that_does_not_apply_becomes_zero(collection):
    rows, tracks = collection
    broken = rows[:3].copy()
    broken[1, 2] = np.nan
    projected = project(fit_projection(rows, tracks, PLAIN), broken)
    assert not projected[1].any()
    assert projected[[0, 2]].any(axis=1).all()


def test_the_order_of_the_rows_does_not_matter(collection):
    rows, tracks = collection
    order = np.random.default_rng(2).permutation(len(rows))
    first = fit_projection(rows, tracks, ProjectionSettings())
    second = fit_projection(rows[order], tracks[order], ProjectionSettings())
    np.testing.assert_allclose(project(first, rows), project(second, rows), atol=1e-3)
