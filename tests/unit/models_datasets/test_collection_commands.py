import json

from typer.testing import CliRunner

from models.cli.corpus import app


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_sound_dataset_is_summed_up_in_a_line(manifest):
    result = run("check", manifest("path,split,genre", "a.wav,train,jazz", "b.wav,test,"))
    assert result.exit_code == 0
    assert result.stdout == "music: 2 tracks, 0.0 hours, 2 origins; train 1, test 1; labelled: genre 1\n"


def test_every_fault_is_printed_and_the_command_fails(manifest):
    result = run("check", manifest("path,split", "gone.wav,train", "a.wav,trian"))
    assert result.exit_code == 1
    assert "line 2: gone.wav: there is no such file" in result.stderr
    assert "did you mean 'train'" in result.stderr


def test_missing_files_can_be_skipped_and_are_named(manifest):
    result = run("check", manifest("path", "gone.wav", "a.wav"), "--skip-missing")
    assert result.exit_code == 0
    assert "left out line 2: gone.wav" in result.stderr
    assert "1 tracks (1 entry left out)" in result.stdout


def test_a_dataset_is_described_in_tables_and_in_a_file(manifest, tmp_path):
    rows = [
        f"{name}.wav,{('jazz', 'rock')[n % 2]},{('sax', 'guitar')[n % 2]},{n % 3}"
        for n, name in enumerate("abcdefghij")
    ]
    path = manifest("path,genre,instrument,room", *rows)
    result = run("describe", path, "--confounds", "--attribute", "room", "--json", tmp_path / "facts.json")
    assert result.exit_code == 0
    assert "jazz 5, rock 5" in result.stdout
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["labels"]["genre"]["counts"] == {"jazz": 5, "rock": 5}
    assert (facts["confounds"][0]["one"], facts["confounds"][0]["other"]) == ("genre", "instrument")
    assert {pair["other"] for pair in facts["confounds"]} == {"instrument", "room"}
