import hashlib
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.__main__ import app
from models.datasets.fetch import ListedFile, fetch, read_listing
from models.datasets.packages import download, read_files
from models.errors import DatasetInvalid, PackageUnavailable, ToolMissing

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb builds the package of the tests")

SONG = b"la" * 70_000
CONTROL = "Package: tunes\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: tunes\n"


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("tunes")
    data = root / "root/usr/share/tunes"
    data.mkdir(parents=True)
    (data / "song.ogg").write_bytes(SONG)
    (data / "other.ogg").write_bytes(b"other")
    for name in ("game.love", "public.zip", "pak0.pk3"):
        with zipfile.ZipFile(data / name, "w") as archive:
            archive.writestr("audio/inner.ogg", name.encode())
            archive.writestr("audio/second.ogg", b"second")
    (root / "root/DEBIAN").mkdir()
    (root / "root/DEBIAN/control").write_text(CONTROL)
    subprocess.run(["dpkg-deb", "--build", "-Znone", root / "root", root / "tunes_1_all.deb"], check=True)
    return root / "tunes_1_all.deb"


@pytest.fixture
def apt(package, tmp_path, monkeypatch) -> Path:
    """An apt-get that knows one package, and notes each call."""
    programs = tmp_path / "programs"
    programs.mkdir()
    script = programs / "apt-get"
    script.write_text(
        f'#!/bin/sh\nfor last; do :; done\necho "$last" >> {programs}/calls\n'
        f'[ "$last" = tunes ] && cp {package} . && exit 0\necho "E: Unable to locate package $last" >&2\nexit 100\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return programs / "calls"


def listed(inner: str, content: bytes | None = None, package: str = "tunes") -> ListedFile:
    return ListedFile(f"{package}/{inner}", package, checksum(content) if content else "")


@pytest.mark.parametrize("archive", ["game.love", "public.zip", "pak0.pk3"])
def test_members_of_archives_inside_are_files_too(package, archive):
    path = f"usr/share/tunes/{archive}.d/audio/inner.ogg"
    assert {name: file.read() for name, file in read_files(package, [path])} == {path: archive.encode()}


def test_plain_files_are_read_and_what_is_not_there_is_left_out(package):
    wanted = ["usr/share/tunes/song.ogg", "usr/share/tunes/none.ogg", "usr/share/tunes/game.love.d/audio/none.ogg"]
    assert {name: file.read() for name, file in read_files(package, wanted)} == {wanted[0]: SONG}


def test_reading_may_stop_before_the_end_of_a_package(package):
    _, file = next(iter(read_files(package, ["usr/share/tunes/song.ogg", "usr/share/tunes/other.ogg"])))
    assert file.read() in {SONG, b"other"}


def test_a_damaged_package_is_refused(tmp_path):
    (tmp_path / "tunes_1_all.deb").write_bytes(b"no package")
    with pytest.raises(PackageUnavailable, match="tunes_1_all"):
        list(read_files(tmp_path / "tunes_1_all.deb", ["a"]))


def test_an_unknown_package_is_refused_with_what_to_do(apt, tmp_path):
    with pytest.raises(PackageUnavailable, match=r"Unable to locate package nothing .*apt-get update"):
        download("nothing", tmp_path)


def test_options_do_not_pass_for_package_names(apt, tmp_path):
    with pytest.raises(PackageUnavailable, match="not the name of a package"):
        download("--allow-unauthenticated", tmp_path)
    assert not apt.exists()


def test_files_come_where_the_manifest_says(apt, tmp_path):
    files = [listed("usr/share/tunes/song.ogg", SONG), listed("usr/share/tunes/game.love.d/audio/inner.ogg")]
    (fetched,) = fetch(files, tmp_path / "out")
    assert (fetched.files, fetched.faults) == (2, ())
    assert (tmp_path / "out/tunes/usr/share/tunes/song.ogg").read_bytes() == SONG
    assert (tmp_path / "out/tunes/usr/share/tunes/game.love.d/audio/inner.ogg").read_bytes() == b"game.love"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tunes"]


def test_what_is_there_is_not_fetched_again(apt, tmp_path):
    files = [listed("usr/share/tunes/song.ogg", SONG)]
    assert list(fetch(files, tmp_path)) == list(fetch(files, tmp_path))
    assert apt.read_text().split() == ["tunes"]


def test_a_damaged_file_is_fetched_again(apt, tmp_path):
    files = [listed("usr/share/tunes/song.ogg", SONG)]
    list(fetch(files, tmp_path))
    (tmp_path / files[0].path).write_bytes(b"half")
    list(fetch(files, tmp_path))
    assert (tmp_path / files[0].path).read_bytes() == SONG


def test_every_fault_is_named_and_the_rest_is_kept(apt, tmp_path):
    files = [
        listed("usr/share/tunes/song.ogg", b"another"),
        listed("usr/share/tunes/none.ogg"),
        listed("usr/share/tunes/other.ogg"),
        listed("a.ogg", package="elsewhere"),
    ]
    elsewhere, tunes = fetch(files, tmp_path)
    assert (elsewhere.files, tunes.files) == (0, 1)
    assert "elsewhere/a.ogg: elsewhere: E: Unable to locate" in elsewhere.faults[0]
    assert tunes.faults[0].startswith(f"tunes/usr/share/tunes/song.ogg: checksum {checksum(SONG)} where")
    assert tunes.faults[1:] == ("tunes/usr/share/tunes/none.ogg: not in the package",)
    assert sorted(path.name for path in (tmp_path / "tunes/usr/share/tunes").iterdir()) == ["other.ogg"]


def test_without_apt_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"apt-get is not there: .*container"):
        list(fetch([listed("a.ogg")], tmp_path))


def manifest(folder: Path, *rows: str, columns: str = "path,package,tier,sha256_16") -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join((columns, *rows)) + "\n")
    return path


def test_a_listing_has_the_chosen_tiers_and_packages(tmp_path):
    path = manifest(tmp_path, "a/1.ogg,a,core,", "a/2.ogg,a,extra,", "b/1.ogg,b,core,")
    assert [file.path for file in read_listing(path)] == ["a/1.ogg", "a/2.ogg", "b/1.ogg"]
    assert [file.path for file in read_listing(path, ["core"], ["a"])] == ["a/1.ogg"]
    with pytest.raises(DatasetInvalid, match=r"(?s)nothing of.*big.*c"):
        read_listing(path, ["big"], ["c", "a"])


def test_every_bad_row_is_named(tmp_path):
    path = manifest(
        tmp_path, "a/../1.ogg,a,core,", "1.ogg,a,core,", "/1.ogg,,core,", "a/1.ogg,a,core,12", "a/1,a,,"
    )
    with pytest.raises(DatasetInvalid) as caught:
        read_listing(path)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["row 2", "row 3", "row 4", "row 5"]


def test_a_manifest_without_packages_is_refused(tmp_path):
    with pytest.raises(DatasetInvalid, match="package"):
        read_listing(manifest(tmp_path, "a/1.ogg", columns="path"))


def test_the_command_ends_with_1_when_a_file_is_missing(apt, tmp_path):
    row = f"tunes/usr/share/tunes/song.ogg,tunes,core,{checksum(SONG)}"
    runner = CliRunner()
    good = runner.invoke(app, ["corpus", "fetch", str(manifest(tmp_path, row)), str(tmp_path / "out")])
    assert (good.exit_code, "1 of 1 files" in good.output) == (0, True)
    path = manifest(tmp_path, row, "tunes/none.ogg,tunes,core,")
    bad = runner.invoke(app, ["corpus", "fetch", str(path), str(tmp_path / "out")])
    assert (bad.exit_code, "tunes/none.ogg: not in the package" in bad.output) == (1, True)
