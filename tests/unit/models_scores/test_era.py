import pytest

from models.rendering.composers import LIFETIMES, family_name
from models.rendering.era import composition_era, half_century, working_era


@pytest.mark.parametrize(("year", "era"), [(1750, "1750-1799"), (1799, "1750-1799"), (1800, "1800-1849")])
def test_half_centuries_begin_with_round_years(year, era):
    assert half_century(year) == era


@pytest.mark.parametrize(
    ("date", "composer", "era"),
    [
        ("1802", "BeethovenLv", "1800-1849"),
        ("c.1798", "BeethovenLv", "1750-1799"),
        ("1874-76 - rescored by Grieg 1886", "GriegE", "1850-1899"),
        ("", "BeethovenLv", ""),
        ("1878", "BeethovenLv", ""),
        ("1878", "MozartWA", "1750-1799"),
        ("", "BachJS", "1700-1749"),
        ("18th c.", "HandelGF", ""),
        ("1898", "Nobody", ""),
        ("Leipzig 12345", "GriegE", ""),
    ],
)
def test_a_date_counts_within_the_composers_life_and_else_the_life_does_if_it_is_of_one_era(date, composer, era):
    assert composition_era(date, composer) == era


def test_a_life_across_two_eras_has_none():
    assert (working_era(1732, 1809), working_era(1756, 1791)) == ("", "1750-1799")


def test_lifetimes_are_those_of_people():
    assert all(20 <= died - born <= 100 for born, died in LIFETIMES.values())


@pytest.mark.parametrize(
    ("spellings", "name"),
    [
        (("SchubertF", "Schubert, Franz", "Franz Schubert", "Franz Schubert (1797-1828)"), "schubert"),
        (("BeethovenLv", "Beethoven, Ludwig van", "Ludwig van Beethoven"), "beethoven"),
        (("Mendelssohn-BartholdyF", "Mendelssohn, Felix"), "mendelssohn"),
        (("FaureG", "Fauré, Gabriel"), "faure"),
        (("BoismortierJBd",), "boismortier"),
        (("Traditional",), "traditional"),
        (("",), ""),
    ],
)
def test_spellings_of_a_composer_have_one_family_name(spellings, name):
    assert {family_name(spelling) for spelling in spellings} == {name}
