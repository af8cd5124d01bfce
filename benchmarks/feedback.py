"""How many judgements it takes until feedback knows the weights that somebody means.

    python -m benchmarks.feedback [--users 100] [--audio MUSIC] [--vectors VECTORS.npy] [--markdown] [--json FILE]

Simulated users mean weights that nobody tells the service. They start with all weights 1, see the 20 best tracks,
mark some of those as liked and disliked by what they mean, accept the proposal, and search again; each mark is one
judgement, and no track is judged twice. Proposals come from `app.preference`, as the service uses it.

Weights are drawn from Dirichlet distributions: with concentration .3 one or two spaces matter, with 3 all do.
Catalogues are made up (`independent`: directions at random; `correlated`: spaces that hear the same hidden causes,
as in `benchmarks.search`), or a real one: the vectors that `csn` makes of the first 90 s of every recording in a
folder (--audio, kept in --vectors), or any others (--vectors, a row for each track, and --spaces).

With several references somebody means a weight for each space of each of them. The service learns them together; it
is compared with learning those of the first alone, and with weights that all references have in common.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from app.preference import Doubles, Round, propose
from benchmarks.search_tables import Table
from benchmarks.search_world import MadeUp, unit
from models.audio import decode
from models.encoder import embed
from models.errors import ModelError
from models.registry import load_encoder

GOAL = 0.95
"""Cosine with what is meant from which on weights count as found."""

MOST = 15
"""Judgements that are watched."""

SHOWN = 20
TRACKS = 4000
WIDTH = 32
PAIRS = 4096
HEARD_S = 90.0

SEVERAL = (2, 3, 5)
"""How many references a search has that has more than one."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Catalogue:
    """(N, D) vectors of unit length in each space, (R, D) to ask by, and (S,) scale of the spaces."""

    vectors: Doubles
    references: Doubles
    borders: Sequence[int]
    scale: Doubles

    @classmethod
    def of(cls, vectors: Doubles, references: Doubles, widths: Sequence[int]) -> "Catalogue":
        """Measure the scale as the service does, by random pairs."""
        borders = [0, *np.cumsum(widths).tolist()]
        left, right = np.random.default_rng(1).integers(len(vectors), size=(2, PAIRS))
        return cls(vectors, references, borders, 1 / by_space(vectors[left] * vectors[right], borders).std(axis=0))

    def similarities(self, references: Sequence[int]) -> Doubles:
        """(N, R S) in deviations, reference by reference."""
        return np.hstack(
            [by_space(self.vectors * self.references[each], self.borders) * self.scale for each in references]
        )


def by_space(products: Doubles, borders: Sequence[int]) -> Doubles:
    return np.stack([products[:, start:end].sum(axis=1) for start, end in pairwise(borders)], axis=1)


def independent(spaces: int) -> Catalogue:
    generator = np.random.default_rng(0)
    widths = (WIDTH // 2,) * spaces
    vectors = unit(generator.standard_normal((TRACKS + 500, sum(widths))), widths)
    return Catalogue.of(vectors[500:], vectors[:500], widths)


def correlated(spaces: int) -> Catalogue:
    source = MadeUp((WIDTH,) * spaces)
    generator = np.random.default_rng(0)
    vectors = source.draw(TRACKS + 500, generator).vectors.astype(np.float64)
    return Catalogue.of(vectors[500:], vectors[:500], source.widths)


def heard(folder: Path) -> Iterator[Doubles]:
    """Yield the (D,) vector of each recording that can be read."""
    encoder = load_encoder("csn", "cpu")
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        with suppress(ModelError), path.open("rb") as file:
            audio = decode(file, sample_rate_hz=encoder.manifest.sample_rate_hz, max_duration_s=HEARD_S)
            yield embed(encoder, audio.waveform).vector


def real(path: Path, widths: Sequence[int]) -> Catalogue:
    """Each tenth track asks."""
    vectors = np.load(path).astype(np.float64)
    if vectors.ndim != 2 or vectors.shape[1] != sum(widths):
        raise SystemExit(f"The vectors have shape {vectors.shape}, the spaces sum to {sum(widths)}.")
    mixed = unit(np.random.default_rng(0).permutation(vectors), widths)
    kept = max(1, len(mixed) // 10)
    return Catalogue.of(mixed[kept:], mixed[:kept], widths)


@dataclass(frozen=True)
class Seen:
    """One round: tracks that were shown, and which of them were judged."""

    shown: Numbers
    liked: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()

    def with_mark(self, number: int, *, liked: bool) -> "Seen":
        if liked:
            return replace(self, liked=(*self.liked, number))
        return replace(self, disliked=(*self.disliked, number))

    def round_of(self, table: Doubles) -> Round:
        marks = (np.isin(self.shown, self.liked), np.isin(self.shown, self.disliked))
        return Round(self.shown, table[self.shown], *marks)


Estimator = Callable[[Doubles, Doubles, Sequence[Seen]], Doubles]
"""From (N, S) similarities, the weights of the present search and everything seen to new weights."""


def ours(table: Doubles, _present: Doubles, seen: Sequence[Seen]) -> Doubles:
    """What the service does."""
    return propose(np.ones(table.shape[1]), [each.round_of(table) for each in seen]).weights


def present_only(table: Doubles, present: Doubles, seen: Sequence[Seen]) -> Doubles:
    """The same estimate without earlier rounds: all that was ever judged, beside what is shown now."""
    return propose(present, [everything_beside(seen).round_of(table)]).weights


def forgetful(table: Doubles, present: Doubles, seen: Sequence[Seen]) -> Doubles:
    """The same estimate by the marks of the present round only; what earlier ones taught is in its weights."""
    return propose(present, [seen[-1].round_of(table)]).weights


def first_only(references: int) -> Estimator:
    """The same estimate of the first reference's weights, as if the others said nothing; those stay."""

    def estimate(table: Doubles, present: Doubles, seen: Sequence[Seen]) -> Doubles:
        spaces = table.shape[1] // references
        return np.concatenate([ours(table[:, :spaces], present, seen), np.ones(table.shape[1] - spaces)])

    return estimate


def in_common(references: int) -> Estimator:
    """The same estimate of weights that all references share."""

    def estimate(table: Doubles, present: Doubles, seen: Sequence[Seen]) -> Doubles:
        summed = table.reshape(len(table), references, -1).sum(axis=1)
        return np.tile(ours(summed, present, seen), references)

    return estimate


def everything_beside(seen: Sequence[Seen]) -> Seen:
    liked = tuple(number for each in seen for number in each.liked)
    disliked = tuple(number for each in seen for number in each.disliked)
    return Seen(np.unique([*seen[-1].shown, *liked, *disliked]), liked, disliked)


def pairs(table: Doubles, _present: Doubles, seen: Sequence[Seen]) -> Doubles:
    """Bradley and Terry on pairs, each judgement counting once: the mean over the tracks beside."""
    leads = [each for judged in seen for each in leads_of(judged, table)]
    start = np.ones(table.shape[1])

    def cost(weights: Doubles) -> tuple[float, Doubles]:
        value, gradient = float((weights - start) @ (weights - start)) / 5, (weights - start) * 2 / 5
        for lead in leads:
            ahead = 2 * lead @ weights
            value += float(np.logaddexp(0, ahead).mean())
            gradient = gradient + 2 * (lead / (1 + np.exp(-ahead))[:, None]).mean(axis=0)
        return value, gradient

    found = minimize(cost, start, jac=True, bounds=[(0, None)] * len(start)).x
    return found if found.any() else start


def leads_of(seen: Seen, table: Doubles) -> Iterator[Doubles]:
    for judged, direction in ((seen.liked, 1), (seen.disliked, -1)):
        others = table[seen.shown[~np.isin(seen.shown, judged)]]
        yield from (direction * (others - table[number]) for number in judged)


def mean_difference(table: Doubles, _present: Doubles, seen: Sequence[Seen]) -> Doubles:
    """Rocchio's rule on weights: add what liked tracks have more than the others, take off what disliked have."""
    weights = np.ones(table.shape[1])
    for each in seen:
        weights -= sum((lead.mean(axis=0) / 2 for lead in leads_of(each, table)), np.zeros(table.shape[1]))
    return np.maximum(weights, 0) if (weights > 0).any() else np.ones(table.shape[1])


def unchanged(table: Doubles, _present: Doubles, _seen: Sequence[Seen]) -> Doubles:
    """Nobody learns."""
    return np.ones(table.shape[1])


@dataclass(frozen=True)
class User:
    """How somebody judges: so many of the best and of the worst a round, and which share of marks at random."""

    name: str
    likes: int = 1
    dislikes: int = 1
    mistakes: float = 0.0

    def judge(
        self, worth: Doubles, unjudged: Numbers, generator: np.random.Generator
    ) -> Iterator[tuple[bool, int]]:
        """Yield whether it is liked, and which track, until none is left to judge."""
        left = unjudged[np.argsort(-worth[unjudged], kind="stable")].tolist()
        for is_liked in (True,) * self.likes + (False,) * self.dislikes:
            if not left:
                return
            mistaken = generator.random() < self.mistakes
            yield is_liked, left.pop(int(generator.integers(len(left))) if mistaken else (0 if is_liked else -1))


USERS = (
    User("best and worst"),
    User("likes only", dislikes=0),
    User("dislikes only", likes=0),
    User("three and three", 3, 3),
    User("10 % mistakes", mistakes=0.1),
    User("20 % mistakes", mistakes=0.2),
)

ESTIMATORS: dict[str, Estimator] = {
    "ours": ours,
    "ours, all marks, one round": present_only,
    "ours, forgetful": forgetful,
    "pairs": pairs,
    "mean difference": mean_difference,
    "unchanged": unchanged,
}


def cosine(left: Doubles, right: Doubles) -> float:
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))


def session(
    table: Doubles, truth: Doubles, user: User, estimate: Estimator, generator: np.random.Generator
) -> list[float]:
    """Cosines with the truth after 0, 1, … ``MOST`` judgements; the last stays where nothing is left to judge."""
    weights = np.ones(len(truth))
    cosines = [cosine(weights, truth)]
    seen: list[Seen] = []
    judged: set[int] = set()
    while len(cosines) <= MOST:
        shown = np.argsort(-(table @ weights), kind="stable")[:SHOWN]
        present, before = weights, len(cosines)
        seen.append(Seen(shown))
        fresh = np.array([number for number in shown if number not in judged], np.int64)
        for is_liked, number in user.judge(table @ truth, fresh, generator):
            seen[-1] = seen[-1].with_mark(number, liked=is_liked)
            judged.add(number)
            weights = estimate(table, present, seen)
            cosines.append(cosine(weights, truth))
        if len(cosines) == before:
            cosines += cosines[-1:] * (MOST + 1 - before)
    return cosines[: MOST + 1]


@dataclass(frozen=True)
class Result:
    """Of one setting: mean cosines by judgements, share of users at the goal, and when they first reached it.

    Attributes:
        needed: Mean judgements until the goal; whoever never reaches it counts ``MOST`` + 1.
        never: Share of those.
    """

    catalogue: str
    spaces: int
    references: int
    concentration: float
    user: str
    estimator: str
    cosines: list[float]
    at_goal: list[float]
    needed: float
    never: float


def measure(  # noqa: PLR0917 - a setting has so many sides
    catalogue: Catalogue, user: User, estimate: Estimator, concentration: float, count: int, references: int = 1
) -> Doubles:
    """(U, MOST + 1) cosines of so many users, the same for every estimator."""
    rows = []
    for number in range(count):
        generator = np.random.default_rng([number, 7])
        truth = generator.dirichlet(np.full(references * len(catalogue.scale), concentration))
        chosen = [int(generator.integers(len(catalogue.references))) for _ in range(references)]
        table = catalogue.similarities(chosen)
        rows.append(session(table, truth, user, estimate, generator))
    return np.array(rows)


def result(  # noqa: PLR0917 - a row has so many names
    name: str,
    spaces: int,
    concentration: float,
    user: User,
    estimator: str,
    cosines: Doubles,
    references: int = 1,
) -> Result:
    reached = cosines >= GOAL
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), MOST + 1)
    means, shares = cosines.mean(axis=0).tolist(), reached.mean(axis=0).tolist()
    never = float((~reached.any(axis=1)).mean())
    needed = float(first.mean())
    return Result(name, spaces, references, concentration, user.name, estimator, means, shares, needed, never)


def run(catalogues: dict[str, list[Catalogue]], count: int) -> Iterator[Result]:
    """Every catalogue and concentration by the first user; then all else on the last catalogue."""
    for name, sizes in catalogues.items():
        for catalogue in sizes:
            for concentration in (0.3, 1.0, 3.0):
                found = measure(catalogue, USERS[0], ours, concentration, count)
                yield result(name, len(catalogue.scale), concentration, USERS[0], "ours", found)
    name, catalogue = next(reversed(catalogues.items()))[0], next(reversed(catalogues.values()))[-1]
    for user in USERS:
        for estimator, estimate in ESTIMATORS.items():
            if user is not USERS[0] or estimator != "ours":
                found = measure(catalogue, user, estimate, 1.0, count)
                yield result(name, len(catalogue.scale), 1.0, user, estimator, found)
    for references in SEVERAL:
        several = {
            "ours": ours,
            "first only": first_only(references),
            "in common": in_common(references),
            "unchanged": unchanged,
        }
        for estimator, estimate in several.items():
            found = measure(catalogue, USERS[0], estimate, 1.0, count, references)
            yield result(name, len(catalogue.scale), 1.0, USERS[0], estimator, found, references)


def table_of_results(results: Sequence[Result]) -> Table:
    after = (0, 1, 2, 4, 6, 8, 10, 15)
    columns = [
        "catalogue",
        "spaces",
        "references",
        "Dirichlet",
        "user",
        "estimate",
        *(f"cos {number}" for number in after),
    ]
    rows = [
        [
            each.catalogue,
            str(each.spaces),
            str(each.references),
            f"{each.concentration:g}",
            each.user,
            each.estimator,
            *(f"{each.cosines[number]:.3f}" for number in after),
            f"{each.at_goal[10]:.0%}",
            f"{each.needed:.1f}",
            f"{each.never:.0%}",
        ]
        for each in results
    ]
    title = f"Mean cosine after so many judgements; users at {GOAL} after 10, judgements needed, never in {MOST}"
    return Table(title, [*columns, "at goal", "needed", "never"], rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--audio", type=Path, help="folder of recordings, for --vectors that are not there yet")
    parser.add_argument("--vectors", type=Path, help=".npy of a real catalogue, (N, D)")
    parser.add_argument("--spaces", default="64,64,64,64,64,64", help="dimensions of its spaces; default: of csn")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    catalogues = {
        name: [make(4), make(6)] for name, make in (("independent", independent), ("correlated", correlated))
    }
    if options.vectors:
        if options.audio and not options.vectors.exists():
            np.save(options.vectors, list(heard(options.audio)))
        catalogues = {"real": [real(options.vectors, [int(width) for width in options.spaces.split(",")])]}
    results = list(run(catalogues, options.users))
    shown = table_of_results(results)
    print(shown.markdown() if options.markdown else shown.text())
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n")


if __name__ == "__main__":
    main()
