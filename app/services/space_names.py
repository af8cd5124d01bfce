"""What the names of spaces in a query mean, of whichever encoder they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from app.domain import EncoderInfo
from app.errors import Fault
from app.filters import fold_text

SpaceOf: TypeAlias = tuple[str, str]
"""Names of an encoder and of one of its spaces."""

_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class SpaceNames:
    """Names that a query may write: ``space`` of its own encoder, ``encoder.space`` of any, or ``encoder``.

    Attributes:
        own: The encoder that the query names, or the default one.
        encoders: All that can be searched with, ``own`` among them.
    """

    own: EncoderInfo
    encoders: Sequence[EncoderInfo]

    def find(self, name: str) -> Sequence[SpaceOf]:
        """Return the spaces that a name stands for, ignoring case: one, all of an encoder, or none."""
        meanings = self._meanings()
        folded = {fold_text(each): spaces for each, spaces in meanings.items()}
        return meanings.get(name) or folded.get(fold_text(name), ())

    def weights(
        self, place: str, given: Mapping[str, float] | None, faults: list[Fault]
    ) -> Mapping[SpaceOf, float]:
        """Return the weight of each space that a term weighs; what is wrong is added to the faults.

        Without weights each space of the query's own encoder counts 1. The weight of an encoder is shared out
        equally among its spaces, but for those that are weighed by themselves. Where every name is unknown, so that
        nothing is left, the weights are as if none were given: nobody finds another fault with those.

        Args:
            place: Of the weights in the query.
            given: By name.
            faults: Of the query so far.
        """
        meanings = self._meanings()
        if given is None:
            return dict.fromkeys(meanings[self.own.name], 1.0)
        shared: dict[SpaceOf, float] = {}
        single: dict[SpaceOf, float] = {}
        for name, weight in given.items():
            spaces = meanings.get(name, ())
            if not spaces:
                faults.append(Fault(f"{place}.{name}", self._unknown(name, meanings)))
            elif self._is_encoder(name):
                shared |= dict.fromkeys(spaces, weight / len(spaces))
            elif spaces[0] in single:
                faults.append(Fault(f"{place}.{name}", f"The space {'.'.join(spaces[0])} is weighed twice."))
            else:
                single[spaces[0]] = weight
        return shared | single or (dict.fromkeys(meanings[self.own.name], 1.0) if given else {})

    def _meanings(self) -> Mapping[str, Sequence[SpaceOf]]:
        """By every name; a space of the query's own encoder goes before an encoder of the same name."""
        meanings: dict[str, Sequence[SpaceOf]] = {}
        for encoder in self.encoders:
            spaces = [(encoder.name, space.name) for space in encoder.spaces]
            meanings |= {encoder.name: spaces} | {".".join(space): (space,) for space in spaces}
        return meanings | {space.name: ((self.own.name, space.name),) for space in self.own.spaces}

    def _is_encoder(self, name: str) -> bool:
        own = {space.name for space in self.own.spaces}
        return name not in own and any(encoder.name == name for encoder in self.encoders)

    def _unknown(self, name: str, meanings: Mapping[str, Sequence[SpaceOf]]) -> str:
        """Say which spaces there are, and what was perhaps meant: that name elsewhere, or one spelt alike."""
        own = ", ".join(space.name for space in self.own.spaces)
        elsewhere = [each for each in meanings if each.endswith(f".{name}")]
        meant = elsewhere or get_close_matches(name, meanings, n=_SUGGESTIONS)
        hint = f" Did you mean {' or '.join(meant)}?" if meant else ""
        return f"There is no space {name!r}; the encoder's spaces are {own}.{hint}"
