import pytest

from models.errors import ToolMissing
from models.rendering.tools import MMA, Tool, require, stated_licence

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sounds

Files: *
Copyright: 2000 A
License: GPL-3+
 Some text.
 .
 More text.

Files: samples/bank.sf2
 samples/second.sf2
Copyright: 2001 B
License: CC0-1.0
"""


def written(tools, text: str) -> None:
    file = tools / "sounds/usr/share/doc/sounds/copyright"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_the_licence_is_that_of_the_file_and_not_of_the_packaging(tmp_path):
    written(tmp_path, COPYRIGHT)
    assert stated_licence(Tool("sounds", "usr/share/bank.sf2", "samples/second.sf2"), tmp_path) == "CC0-1.0"
    assert stated_licence(Tool("sounds", "usr/bin/play"), tmp_path) == "GPL-3+"


def test_a_copyright_file_in_prose_is_pointed_to(tmp_path):
    written(tmp_path, "This package was made by A.\n\nLicense:\n\n As you like it.\n")
    assert stated_licence(Tool("sounds", "usr/share/bank.sf2"), tmp_path).startswith("see ")


def test_a_missing_tool_is_named_with_the_command_that_fetches_it(tmp_path):
    with pytest.raises(ToolMissing, match=r"mma is not there: fetch it with .*corpus tools"):
        require(MMA, tmp_path)
