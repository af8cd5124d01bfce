"""LilyPond sources to MIDI, by LilyPond run as a program.

A source is a program: LilyPond runs the Scheme in it, and has no safe mode any more. So sources that name what
reaches outside (files, the system, modules, evaluation) are refused, and the others run on a copy in a folder of
their own, with an empty environment and a time limit. That is a hedge and no wall: convert what you have reason to
trust.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.errors import ScoreUnreadable, ToolMissing
from models.rendering.program import run_program

TIME_LIMIT_S = 300.0

_INCLUDE = re.compile(r'^[^%\n]*\\include\s+"([^"]+)"', re.MULTILINE)
_PAPER_TWIN = re.compile(r"[-_.](?:let|letter)$", re.IGNORECASE)
_OUTSIDE = re.compile(
    r"\((?:system\*?|eval|primitive-[\w-]+|load[\w-]*|open-[\w-]+|delete-file|rename-file|copy-file|mkdir|rmdir|chmod"
    r"|getenv|setenv|putenv|execlp?e?|primitive-fork|kill|call-with-output-file|with-output-to-file|dynamic-[\w-]+"
    r"|resolve-[\w-]+|module-ref|@@|ly:system|ly:spawn|socket|connect)[\s)]|\(ice-9 popen\)|\(system foreign\)"
)
_HEADER = re.compile(
    r'^\s*(mutopiatitle|mutopiacomposer|title|composer|style|date|year|license|licence|copyright)\s*=\s*"([^"]*)"',
    re.MULTILINE,
)

_MIDI_ONLY = r"""
#(define (only-midi score)
   (let ((played (ly:make-score (ly:score-music score))))
     (for-each
       (lambda (output)
         (if (eq? 'midi (ly:output-def-lookup output 'output-def-kind)) (ly:score-add-output-def! played output)))
       (ly:score-output-defs score))
     played))
#(define ((handling-midi handler) book music) (handler book (if (ly:score? music) (only-midi music) music)))
toplevel-score-handler = #(lambda (score) (collect-scores-for-book (only-midi score)))
book-score-handler = #(handling-midi book-score-handler)
bookpart-score-handler = #(handling-midi bookpart-score-handler)
\include "%s"
"""
"""Leaves the layout out, which takes nine tenths of the time and is where LilyPond crashes, if it does."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a source states, as written; empty where it does not."""

    title: str
    composer: str
    style: str
    date: str
    licence: str


def list_sources(folder: Path) -> Iterator[Path]:
    """Sources below a folder that write MIDI, in order, relative to it; of twins for two papers only one."""
    for path in sorted(folder.rglob("*.ly")):
        twins = [path.with_stem(_PAPER_TWIN.sub(suffix, path.stem)) for suffix in ("-a4", "_a4", "")]
        twinned = _PAPER_TWIN.search(path.stem) and any(twin.exists() for twin in twins)
        if not twinned and "\\midi" in _text(path):
            yield path.relative_to(folder)


def read_header(source: Path) -> Header:
    """Read the fields that are plain strings, those of Mutopia before those of LilyPond."""
    fields: dict[str, str] = {}
    for name, value in _HEADER.findall(_text(source)):
        fields.setdefault(name, value.strip())
    first = (
        ("mutopiatitle", "title"),
        ("mutopiacomposer", "composer"),
        ("style",),
        ("date", "year"),
        ("license", "licence", "copyright"),
    )
    return Header(*(next((fields[name] for name in names if fields.get(name)), "") for names in first))


def convert(folder: Path, source: Path) -> list[bytes]:
    """MIDI files that a source writes, in order: one for each of its scores, such as movements.

    Args:
        folder: Where the collection lies; nothing outside is included.
        source: Relative to the folder.

    Raises:
        ScoreUnreadable: It was refused (see above), LilyPond found faults in the music or took too long, or there
            was no MIDI. Faults in Scheme pass: in practice they are settings of the layout that LilyPond has
            no more.
        ToolMissing: LilyPond is not installed.
    """
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        copies = [_copied(folder, path, work / "in") for path in _with_includes(folder, source)]
        _run("convert-ly", "--edit", *map(str, copies), cwd=work)  # as far as it comes: LilyPond judges
        wrapper = copies[0].with_name("midi-only.ly")
        wrapper.write_text(_MIDI_ONLY % copies[0].name, encoding="utf-8")
        output = work / "out"
        output.mkdir()
        options = ("--loglevel=ERROR", "-dno-print-pages", "-dno-point-and-click", "-dmidi-extension=midi")
        done = _run("lilypond", *options, f"--output={output / 'score'}", str(wrapper), cwd=wrapper.parent)
        if fault := _fault(done):
            raise ScoreUnreadable(fault.replace(f"{work / 'in'}/", ""))
        midi = sorted(output.glob("*.midi"), key=lambda path: (len(path.name), path.name))
        if not midi:
            raise ScoreUnreadable(f"{source} wrote no MIDI")
        return [path.read_bytes() for path in midi]


def _with_includes(folder: Path, source: Path) -> list[Path]:
    """A source and all of the collection that it includes, relative to the folder, itself first."""
    found = [source]
    for path in found:
        text = _text(folder / path)
        if outside := _OUTSIDE.search(text):
            raise ScoreUnreadable(f"{path} was not run: its Scheme reaches outside with {outside[0]!r}")
        for name in _INCLUDE.findall(text):
            included = (folder / path).parent.joinpath(name).resolve()
            if included.is_file() and included.is_relative_to(folder.resolve()):
                relative = included.relative_to(folder.resolve())
                found += [relative] if relative not in found else []
    return found


def _copied(folder: Path, path: Path, place: Path) -> Path:
    copy = place / path
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(_text(folder / path), encoding="utf-8")
    return copy


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # LilyPond before 2.6


def _fault(done: subprocess.CompletedProcess[str]) -> str:
    """Why what LilyPond wrote cannot be used, if so."""
    if done.returncode < 0:
        return f"LilyPond crashed with signal {-done.returncode}"
    faults = (line for line in done.stderr.splitlines() if ": error: " in line and "Guile signaled" not in line)
    return next(faults, "")


def _run(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    try:
        import lilypond  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("LilyPond converts scores: pip install 'soundkin[corpus]'") from error
    command = [str(lilypond.executable(program)), *arguments]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    return run_program(program, command, cwd=cwd, environment=environment, time_limit_s=TIME_LIMIT_S)
