"""Features that are one tensor per track, in half precision, with time as the first axis."""

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from models.runs.feature_cache import FeatureCache


@dataclass(frozen=True, slots=True)
class TensorCache(FeatureCache[Tensor], ABC):
    """A folder of (F, …) tensors in half precision.

    Attributes:
        name: Of the tensor, and what a row of it is called.
        columns: Shape of a row.
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[int, ...]]

    def tensors(self, features: Tensor) -> Mapping[str, Tensor]:
        return {self.name: features}

    def features(self, tensors: Mapping[str, Tensor]) -> Tensor:
        found = tensors.get(self.name)
        if found is None or found.dtype != torch.float16 or not found.ndim or found.shape[1:] != self.columns:
            shape = ", ".join(("F", *map(str, self.columns)))
            raise ValueError(f"it holds no ({shape}) {self.name} in half precision")
        if not len(found) or not found.isfinite().all():
            raise ValueError(f"its {self.name} are none, or no numbers")
        return found
