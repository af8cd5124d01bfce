from models.datasets.manifest import read_manifest


def test_a_dataset_is_named_by_its_manifest_or_by_its_folder_where_that_is_called_manifest(tmp_path):
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.wav").write_bytes(b"sound")
    for name, expected in (("tracks.csv", "tracks"), ("manifest.csv", "music")):
        (tmp_path / "music" / name).write_text("path\na.wav\n")
        assert read_manifest(tmp_path / "music" / name).name == expected
