"""What the device of a run can do."""

import torch

NO_MEMORY = "can't allocate memory"
"""What torch says on a CPU."""


def computes_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is a gain there: elsewhere it is emulated, and slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - there is no public name for it


def takes_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether a network of this ``precision`` (``auto``, ``float32`` or ``bfloat16``) computes with it there."""
    return precision == "bfloat16" or (precision == "auto" and computes_bfloat16(device))


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context in which a network of this ``precision`` computes there."""
    return torch.autocast(device.type, torch.bfloat16, enabled=takes_bfloat16(precision, device))


def is_about_memory(error: Exception) -> bool:
    """Whether memory was too small, on a GPU or not."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or NO_MEMORY in str(error)
