from collections import Counter
from pathlib import Path

import pytest

from models.rendering.settings import RenderSettings

FONTS = (Path("a.sf2"), Path("b.sf2"))


@pytest.fixture
def settings(tmp_path):
    return RenderSettings(tmp_path, FONTS, Path("unseen.sf2"), seed=3)


def test_origins_are_split_by_their_shares(settings):
    counts = Counter(settings.split(f"composer {number}") for number in range(4_000))
    assert counts["train"] / 4_000 == pytest.approx(0.7, abs=0.03)
    assert counts["validation"] / 4_000 == pytest.approx(0.1, abs=0.02)
    assert counts["test"] / 4_000 == pytest.approx(0.2, abs=0.03)


def test_an_origin_stays_on_its_side(settings, tmp_path):
    again = RenderSettings(tmp_path / "elsewhere", FONTS[:1], None, seed=3)
    assert all(settings.split(f"{n}") == again.split(f"{n}") for n in range(100))


def test_the_soundfont_that_is_held_out_sounds_in_tests_only(settings, treat):
    for split in ("train", "validation"):
        assert settings.font(treat(unseen_font=True), split) in FONTS
    assert settings.font(treat(unseen_font=True), "test") == Path("unseen.sf2")
    assert settings.font(treat(unseen_font=False), "test") in FONTS


def test_every_soundfont_gets_its_share(settings, treat):
    assert [settings.font(treat(font=share), "train") for share in (0.0, 0.49, 0.5, 0.999)] == [
        FONTS[0],
        FONTS[0],
        FONTS[1],
        FONTS[1],
    ]


def test_without_one_held_out_all_tests_use_the_others(tmp_path, treat):
    assert RenderSettings(tmp_path, FONTS).font(treat(unseen_font=True), "test") in FONTS
