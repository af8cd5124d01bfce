"""The command ``embed``: vectors of files."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from models.audio import decode
from models.cli.console import progress_bar, refuse, report_refusal
from models.encoder import Encoder, Prepared, TrackEmbedding
from models.errors import ModelError
from models.registry import load_encoder
from models.whole_file import whole_file

_AHEAD = 4
"""Files whose waveforms may wait for the device, per thread."""


def embed(  # noqa: PLR0917 - typer takes options by their names
    files: Annotated[list[Path], typer.Argument(help="Audio files.")],
    encoder: Annotated[str, typer.Option(help="Name of the encoder.")],
    out: Annotated[Path, typer.Option(help="The .npz file to write.")],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    artifacts: Annotated[list[Path] | None, typer.Option(help="Folders with further artifacts.")] = None,
    jobs: Annotated[int, typer.Option(help="Threads that decode.", min=1)] = cpu_count() or 1,
) -> None:
    """Embed files: writes `files` and one (n, d) float32 array per space. Exit status 1 if any file was refused."""
    _check_file(out)
    try:
        loaded = load_encoder(encoder, device, artifacts or ())
    except ModelError as error:
        refuse(error)
    embedded: dict[Path, TrackEmbedding] = {}
    with progress_bar() as progress:
        for path, result in progress.track(
            _embeddings(loaded, files, jobs), total=len(files), description="tracks"
        ):
            if isinstance(result, TrackEmbedding):
                embedded[path] = result
            else:
                report_refusal(progress.console, path, str(result))
    _write(out, loaded, embedded)
    if len(embedded) < len(set(files)):
        raise typer.Exit(1)


def _embeddings(
    encoder: Encoder, files: Sequence[Path], jobs: int
) -> Iterator[tuple[Path, TrackEmbedding | Exception]]:
    """Embeddings in the order of the files: threads decode ahead while the device works."""
    with ThreadPoolExecutor(jobs) as pool:
        window = jobs * _AHEAD
        waiting = [pool.submit(_prepare, encoder, path) for path in files[:window]]
        for number, path in enumerate(files):
            prepared = waiting.pop(0).result()
            if number + window < len(files):
                waiting.append(pool.submit(_prepare, encoder, files[number + window]))
            yield path, prepared if isinstance(prepared, Exception) else _finish(encoder, prepared)


def _prepare(encoder: Encoder, path: Path) -> Prepared | Exception:
    try:
        with path.open("rb") as file:
            return encoder.prepare(decode(file, sample_rate_hz=encoder.manifest.sample_rate_hz).waveform)
    except (OSError, ModelError) as error:
        return error


def _finish(encoder: Encoder, prepared: Prepared) -> TrackEmbedding:
    with torch.inference_mode():
        return encoder.pool(prepared, encoder.encode(prepared.inputs.to(encoder.device)).cpu())


def _write(out: Path, encoder: Encoder, embedded: dict[Path, TrackEmbedding]) -> None:
    """Write the arrays, whole or not at all."""
    vectors = np.array([track.vector for track in embedded.values()], np.float32)
    vectors = vectors.reshape(len(embedded), encoder.manifest.dimension)
    edges = np.cumsum([space.dimension for space in encoder.manifest.spaces])[:-1]
    names = [space.name for space in encoder.manifest.spaces]
    arrays = dict(zip(names, np.split(vectors, edges, axis=1), strict=True))
    with whole_file(out) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, files=np.array([str(path) for path in embedded], np.str_), **arrays)


def _check_file(out: Path) -> None:
    """Refuse a file that cannot be written: better at once than after hours of embedding."""
    if out.is_dir():
        raise typer.BadParameter(f"{out} is a folder; --out names the .npz file to write.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out.parent).close()
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written ({error}). Name another file with --out.") from error
