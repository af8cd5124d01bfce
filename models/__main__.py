"""Command line of the models package: train an encoder, embed files."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from typing import Annotated, NoReturn

import numpy as np
import torch
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.artifact import check_place
from models.audio import decode
from models.encoder import Encoder, Prepared, TrackEmbedding
from models.errors import ModelError
from models.registry import load_encoder
from models.train import extract, listed_files, train

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)
train_app = typer.Typer(help="Train an encoder and write its artifact.", no_args_is_help=True)
app.add_typer(train_app, name="train")
console = Console(stderr=True)

_AHEAD = 4
"""Files whose waveforms may wait for the device, per thread."""


@train_app.command("librosa")
def train_librosa(  # noqa: PLR0917 - typer takes options by their names
    audio: Annotated[Path, typer.Option(help="Folder with the recordings.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder of the artifact.")],
    listing: Annotated[
        Path | None, typer.Option("--list", help="Paths below --audio, one per line, or a CSV with a column path.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the rows of a CSV list with this value of split.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where statistics are kept; default: OUT.cache.")] = None,
    data: Annotated[str, typer.Option(help="Name of the collection, for the manifest.")] = "unnamed collection",
    version: Annotated[str, typer.Option(help="Of the artifact.")] = "1",
    seed: Annotated[int, typer.Option(help="Chooses the segments of long tracks.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = cpu_count() or 1,
) -> None:
    """Fit the statistics of encoder librosa to a collection."""
    try:
        check_place(out)
    except ModelError as error:
        _refuse(error)
    files = listed_files(audio, listing, split)
    kept = cache or out.with_name(f"{out.name}.cache")
    extracted = []
    with _progress() as progress:
        for file in progress.track(extract(files, kept, jobs), total=len(files), description="statistics"):
            extracted.append(file)
            if file.refusal is not None:
                _report(progress.console, file.path, file.refusal)
    try:
        manifest = train(extracted, kept, out, data=data, version=version, seed=seed)
    except ModelError as error:
        console.print(escape(str(error)), style="red")
        raise typer.Exit(1) from error
    spaces = ", ".join(f"{space.name} {space.dimension}" for space in manifest.spaces)
    console.print(f"{manifest.training['tracks']} tracks; dimensions: {spaces}; digest {manifest.digest[:12]}")


@app.command()
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
        _refuse(error)
    embedded: dict[Path, TrackEmbedding] = {}
    with _progress() as progress:
        for path, result in progress.track(
            _embeddings(loaded, files, jobs), total=len(files), description="tracks"
        ):
            if isinstance(result, TrackEmbedding):
                embedded[path] = result
            else:
                _report(progress.console, path, str(result))
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
    part = _part_of(out)
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, files=np.array([str(path) for path in embedded], np.str_), **arrays)
    part.replace(out)


def _check_file(out: Path) -> None:
    """Refuse a file that cannot be written: better at once than after hours of embedding."""
    if out.is_dir():
        raise typer.BadParameter(f"{out} is a folder; --out names the .npz file to write.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = _part_of(out)
        part.touch()
        part.unlink()
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written ({error}). Name another file with --out.") from error


def _part_of(out: Path) -> Path:
    return out.with_name(f".{out.name}.part")


def _refuse(error: Exception) -> NoReturn:
    """End before any work was done."""
    console.print(escape(str(error)), style="red")
    raise typer.Exit(2) from error


def _report(where: Console, path: Path, reason: str) -> None:
    where.print(f"[red]left out[/] {escape(str(path))}: {escape(reason)}", highlight=False)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


if __name__ == "__main__":
    app(prog_name="python -m models")
