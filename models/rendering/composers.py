"""Composers: whose name is whose, and when they lived."""

import re
import unicodedata

_LINES = """
AbtF 1819-1885, AdamA 1803-1856, AguadoD 1784-1849, AlbenizIMF 1860-1909, AlkanCV 1813-1888, AllegriG 1582-1652,
AlyabyevA 1787-1851, ArbanJB 1825-1889, ArbeauT 1520-1595, ArneT 1710-1778, BachCPE 1714-1788, BachJS 1685-1750,
BanchieriA 1568-1634, BanisterJ 1630-1679, BantockG 1868-1946, BarnbyJ 1838-1896, BartokB 1881-1945, BeachA
1867-1944, BeethovenLv 1770-1827, BendaJA 1722-1795, BenoitP 1834-1901, BergA 1885-1935, BerliozH 1803-1869,
BishopH 1786-1855, BishopHR 1786-1855, BizetG 1838-1875, BlissPP 1838-1876, BoismortierJBd 1689-1755, BonisM
1858-1937, BortnianskyD 1751-1825, BoulangerL 1893-1918, BradburyWB 1816-1868, BrahmsJ 1833-1897, BridgeF
1879-1941, BruchM 1838-1920, BrucknerA 1824-1896, BurgmullerJFF 1806-1874, BurleighHT 1866-1949, ButterworthG
1885-1916, BuxtehudeD 1637-1707, CarcassiM 1792-1853, CareyH 1687-1743, CarulliF 1770-1841, CavalliniE
1807-1874, ChabrierE 1841-1894, ChaminadeC 1857-1944, CharpentierMA 1643-1704, ChaussonE 1855-1899, ChopinF
1810-1849, ChopinFF 1810-1849, ClementiM 1752-1832, Coleridge-TaylorS 1875-1912, CorelliA 1653-1713, CorneliusP
1824-1874, CosteN 1805-1883, CouperinF 1668-1733, CroftW 1678-1727, CrugerJ 1598-1662, CzernyC 1791-1857,
DandrieuJ 1682-1738, DebussyC 1862-1918, DeliusF 1862-1934, DevienneF 1759-1803, DiabelliA 1781-1858, DowlandJ
1563-1626, DussekJL 1760-1812, DvorakA 1841-1904, DykesJB 1823-1876, ElgarE 1857-1934, EmmettDD 1815-1904,
FarrencL 1804-1875, FaureG 1845-1924, FieldJ 1782-1837, FosterSC 1826-1864, FranckC 1822-1890, FranzR 1815-1892,
FriedrichII 1712-1786, FrobergerJJ 1616-1667, GastoldiG 1554-1609, GershwinG 1898-1937, GesualdoC 1566-1613,
GibbonsO 1583-1625, GigoutE 1844-1925, GiulianiM 1781-1829, GossecFJ 1734-1829, GottschalkLM 1829-1869, GounodC
1818-1893, GranadosE 1867-1916, GrandvalCd 1828-1907, GriegE 1843-1907, GrignyNd 1672-1703, GruberFX 1787-1863,
GurneyI 1890-1937, HandelGF 1685-1759, HanonCL 1819-1900, HasseJA 1699-1783, HaydnFJ 1732-1809, HaydnJ
1732-1809, HaydnJM 1737-1806, HenselF 1805-1847, HolmesAMA 1847-1903, HolstGT 1874-1934, HumperdinckE 1854-1921,
Ippolitov-IvanovM 1859-1935, IvesC 1874-1954, JaellM 1846-1925, JanequinC 1485-1558, JoplinS 1868-1917, KinkelJ
1810-1858, KuhlauF 1786-1832, KuhnauJ 1660-1722, LachnerF 1803-1890, LaloE 1823-1892, LangJ 1815-1880, LassusOd
1532-1594, LehmannL 1862-1918, LeoL 1694-1744, LeoncavalloR 1857-1919, LisztF 1811-1886, LottiA 1667-1740,
LowryR 1826-1899, LullyJB 1632-1687, LutherM 1483-1546, MahlerG 1860-1911, MarcelloB 1686-1739, MarenzioL
1553-1599, MartiniGB 1706-1784, MasonL 1792-1872, MassenetJ 1842-1912, MatiegkaWT 1773-1830, MehulEN 1763-1817,
Mendelssohn-BartholdyF 1809-1847, MendelssohnF 1809-1847, MercadanteS 1795-1870, MertzJK 1806-1856, MilanL
1500-1561, MinkusLA 1826-1917, MonkWH 1823-1889, MonteverdiC 1567-1643, MorleyT 1557-1602, MozartWA 1756-1791,
MuffatG 1653-1704, MussorgskyM 1839-1881, NicolaiP 1556-1608, ObradorsF 1897-1945, PachelbelJ 1653-1706,
PaganiniN 1782-1840, ParadisMTv 1759-1824, ParryH 1848-1918, PejacsevichD 1885-1923, PergolesiGB 1710-1736,
PezeliusJ 1639-1694, PleyelIJ 1757-1831, PorporaN 1686-1768, PresJd 1450-1521, PurcellH 1659-1695, QuantzJJ
1697-1773, QuilterR 1877-1953, RachmaninoffS 1873-1943, RameauJP 1683-1764, RegerM 1873-1916, ReichardtL
1779-1826, RiesF 1784-1838, Rimsky-KorsakovN 1844-1908, RoberdayF 1624-1680, RollaA 1757-1841, RootGF 1820-1895,
RossiniG 1792-1868, RougetdeLisleCJ 1760-1836, RoyerJNP 1705-1755, Saint-SaensC 1835-1921, SancesGF 1600-1679,
SanzG 1640-1710, SatieE 1866-1925, ScarlattiD 1685-1757, ScheidemannH 1595-1663, SchmelzerJH 1623-1680,
SchoenbergA 1874-1951, SchubertF 1797-1828, SchulzJAP 1747-1800, SchumannC 1819-1896, SchumannR 1810-1856,
ScriabinA 1872-1915, SilcherF 1789-1860, SmythE 1858-1944, SomervellA 1863-1937, SorF 1778-1839, SousaJP
1854-1932, SpohrL 1784-1859, StainerJ 1840-1901, StanchinskyAV 1888-1914, StanfordCV 1852-1924, StraussJJ
1825-1899, StraussR 1864-1949, SullivanA 1842-1900, TallisT 1505-1585, TarregaF 1852-1909, TchaikovskyPI
1840-1893, TegnerA 1864-1943, TelemannGP 1681-1767, TitelouzeJ 1563-1633, TostiFP 1846-1916, TurpinT 1871-1922,
VaccaiN 1790-1848, VerdiG 1813-1901, ViardotP 1821-1910, VictoriaTLd 1548-1611, VinciL 1690-1730, VivaldiA
1678-1741, VolkmannR 1815-1883, WagnerR 1813-1883, WanhalJ 1739-1813, WarlockP 1894-1930, WebernA 1883-1945,
WeckmannM 1616-1674, WeelkesT 1576-1623, WhiteMV 1855-1937, WidorC 1844-1937, WolfH 1860-1903, ZemlinskyAv
1871-1942, ZumsteegE 1796-1857
"""


def _parsed() -> dict[str, tuple[int, int]]:
    lifetimes = {}
    for entry in _LINES.replace("\n", " ").split(","):
        composer, years = entry.split()
        born, died = years.split("-")
        lifetimes[composer] = int(born), int(died)
    return lifetimes


LIFETIMES = _parsed()
"""Years of birth and death by the Mutopia project's codes, for composers of whom they are beyond doubt.

Before 1650 some are uncertain by a few years.
"""


def family_name(composer: str) -> str:
    """Surname in small letters, without accents and second names: what collections that spell names apart agree on.

    Relatives share it, which is harmless where it only keeps splits apart.

    Args:
        composer: Such as ``Hensel, Fanny``, ``Fanny Hensel`` or the Mutopia project's ``HenselF``.
    """
    name = (
        unicodedata.normalize("NFKD", re.sub(r"\(.*?\)", "", composer)).encode("ascii", "ignore").decode().strip()
    )
    if "," in name:
        surname = name.partition(",")[0]
    elif " " in name:
        surname = name.rpartition(" ")[2]
    else:
        surname = re.sub(r"(?<=[a-z])[A-Z][A-Za-z]{0,4}$", "", name)
    return re.split(r"[-\s]", surname.strip())[0].lower()
