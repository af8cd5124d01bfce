"""What the benchmark of searching prints."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields

from benchmarks.search_scans import Flat, Soundkin
from benchmarks.search_turns import ENOUGH, Result


@dataclass(frozen=True, slots=True)
class Table:
    """Texts in rows; the first column stands to the left, the others to the right."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """For a terminal."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = [
            row[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in self._cells(row, widths))
            for row in (self.columns, *self.rows)
        ]
        return "\n".join([f"\n{self.title}", *lines])

    @staticmethod
    def _cells(row: Sequence[str], widths: Sequence[int]) -> Iterator[tuple[str, int]]:
        return zip(row[1:], widths[1:], strict=True)

    def markdown(self) -> str:
        """For a page."""
        rule = ["---", *("---:" for _ in self.columns[1:])]
        lines = ["| " + " | ".join(row) + " |" for row in (self.columns, rule, *self.rows)]
        return "\n".join([f"\n**{self.title}**\n", *lines])


def table_of(title: str, records: Sequence[object]) -> Table:
    """One row for each of equal dataclasses, one column per field."""
    columns = [field.name.replace("_", " ") for field in fields(records[0])]  # type: ignore[arg-type]
    return Table(title, columns, [[_cell(value) for value in astuple(record)] for record in records])  # type: ignore[call-overload]


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return figure(value) if isinstance(value, float) else str(value)


def figure(value: float) -> str:
    """Three significant digits, and never fewer than those before the point."""
    size = abs(value)
    return (
        f"{value:,.0f}"
        if size >= 100
        else f"{value:.1f}"
        if size >= 10
        else f"{value:.2f}"
        if size >= 1
        else f"{value:.3f}"
    )


def ours_by_filter(results: Sequence[Result], k: int) -> Table:
    """Our engine: recall, median, and how many times faster than the flat scan, by pattern and filter."""
    ours = [result for result in results if result.engine == Soundkin.name and result.k == k]
    filters = list(dict.fromkeys(result.filter for result in ours))
    cells = {(result.pattern, result.filter): _speed(result) for result in ours}
    patterns = list(dict.fromkeys(result.pattern for result in ours))
    rows = [[pattern, *(cells.get((pattern, name), "–") for name in filters)] for pattern in patterns]
    title = f"soundkin, k = {k}, by filter: recall, median ms, times as fast as faiss flat float32"
    return Table(title, ["pattern", *filters], rows)


def _speed(result: Result) -> str:
    return f"{result.recall:.3f}, {figure(result.p50_ms)}, {figure(1 / result.time_ratio)}×"


def beside_each_other(results: Sequence[Result]) -> Table:
    """Every engine by every setting. Our figures are those of the table before."""
    columns = [
        "engine",
        "setting",
        "pattern",
        "filter",
        "k",
        "recall",
        "p50 ms",
        "p99 ms",
        "CPU / flat",
        "time / ours",
    ]
    rows = [_row(result) for result in results]
    return Table("All engines, each asked in turns with the flat scan and ours", [*columns, "time / limit"], rows)


def _row(result: Result) -> list[str]:
    numbers = [result.p50_ms, result.p99_ms, result.cpu_ratio, result.ours_ratio, result.limit_ratio]
    names = [result.engine, result.setting, result.pattern, result.filter, str(result.k)]
    return [*names, f"{result.recall:.3f}", *map(_cell, numbers)]


@dataclass(frozen=True, slots=True)
class Ahead:
    """How long another engine takes at a recall like ours.

    Attributes:
        engine: The other.
        setting: Its quickest that finds as much as ours or 0.99; where none does, the one that finds most.
        recall: Its own at that setting.
        ours_ratio: Its median time over ours; ``None`` where it never finds as much.
    """

    pattern: str
    filter: str
    k: int
    engine: str
    setting: str
    recall: float
    ours_ratio: float | None


def ahead(results: Sequence[Result]) -> list[Ahead]:
    """Compare at equal recall, by case in the order of ours, and engine."""
    ours = [(result.pattern, result.filter, result.k) for result in results if result.engine == Soundkin.name]
    grouped: dict[tuple[str, str, int, str], list[Result]] = {}
    for result in results:
        grouped.setdefault((result.pattern, result.filter, result.k, result.engine), []).append(result)
    compared = [
        _compared(others, grouped[*case, Soundkin.name][0].recall)
        for (*case, engine), others in grouped.items()
        if engine not in (Soundkin.name, Flat.name)
    ]
    return sorted(compared, key=lambda one: ours.index((one.pattern, one.filter, one.k)))


def _compared(others: Sequence[Result], ours: float) -> Ahead:
    enough = [result for result in others if result.recall >= min(ours, ENOUGH)]
    best = (
        min(enough, key=lambda result: result.p50_ms) if enough else max(others, key=lambda result: result.recall)
    )
    ratio = best.ours_ratio if enough else None
    return Ahead(best.pattern, best.filter, best.k, best.engine, best.setting, best.recall, ratio)


def ahead_table(compared: Sequence[Ahead]) -> Table:
    """A row per case and a column per engine: its time over ours."""
    engines = list(dict.fromkeys(one.engine for one in compared))
    rows: dict[tuple[str, str, int], dict[str, str]] = {}
    for one in compared:
        rows.setdefault((one.pattern, one.filter, one.k), {})[one.engine] = _said(one)
    texts = [[*map(str, case), *(cells.get(engine, "–") for engine in engines)] for case, cells in rows.items()]
    title = (
        "Ahead at equal recall: median time of the quickest setting that finds as much as ours (or 0.99), over ours"
    )
    return Table(title, ["pattern", "filter", "k", *engines], texts)


def _said(one: Ahead) -> str:
    if one.ours_ratio is None:
        return f"never: {one.recall:.3f} ({one.setting})"
    return f"{figure(one.ours_ratio)}× ({one.setting})"
