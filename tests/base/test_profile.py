"""Elastic Path's own configuration file: what is found in it, and what is refused."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.profile import read_profile
from tests.conftest import KeepProfile

TWO = "[default]\nEPCC_CLIENT_ID=one\n[Night Shift]\nEPCC_CLIENT_ID=two\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\ufeff[default]\r\nEPCC_CLIENT_ID = one \r\n", {"EPCC_CLIENT_ID": "one"}),
        ("[default]\nepcc_client_id: one\n", {"EPCC_CLIENT_ID": "one"}),
        ("[default]\nEPCC_CLIENT_SECRET=50%off%(x)s\n", {"EPCC_CLIENT_SECRET": "50%off%(x)s"}),
        ("[default]\nEPCC_CLIENT_SECRET=a=b;c#d\n", {"EPCC_CLIENT_SECRET": "a=b;c#d"}),
        ("[default]\nA=one ; of ours\nB=two\t# of theirs\nC=;\n", {"A": "one", "B": "two"}),
        ("[default]\nA=\"one\"\nB = 'two' ; of ours\nC=`3`", {"A": "one", "B": "two", "C": "3"}),
        ('[default]\nA="1 ; 2"\nB="\nC=""\nD=o\'c', {"A": "1 ; 2", "B": '"', "D": "o'c"}),
        ("# mine\n[default]\n; EPCC_CLIENT_ID=no\n", {}),
        ("[default]\nA=1\nA=2\n", {"A": "2"}),
        ("[default]\nA=1\n[other]\nA=2\n[default]\nB=3\n", {"A": "1", "B": "3"}),
        ("[DEFAULT]\nA=1\n", {}),
        ("", {}),
    ],
)
def test_the_default_profile(
    content: str, expected: dict[str, str], keep_profile: KeepProfile
) -> None:
    """The default section is read as it stands, with names in capitals; it may be missing."""
    keep_profile(content)
    assert read_profile(None) == expected


def test_a_file_that_is_not_there(at_home: Path) -> None:
    """Nobody needs the file, unless a profile is named."""
    assert read_profile(None) == {}
    with pytest.raises(ConfigError, match="name another --profile") as refused:
        read_profile("night")
    file = at_home / ".epcc" / "config"
    assert refused.value.message == f"no profile 'night': {file} is not there"


@pytest.mark.parametrize(
    ("content", "known"), [(TWO, "default, Night Shift"), ("", "none")], ids=["two", "none"]
)
def test_a_profile_that_is_named(content: str, known: str, keep_profile: KeepProfile) -> None:
    """Only the section of that name counts; where there is none, those that exist are listed."""
    file = keep_profile(content)
    if content:
        assert read_profile("Night Shift") == {"EPCC_CLIENT_ID": "two"}
    with pytest.raises(ConfigError) as refused:
        read_profile("night")
    assert refused.value.message == f"no profile 'night' in {file}"
    assert refused.value.hint == f"it has: {known}"


@pytest.mark.parametrize("content", ["A=s3cret\n", "[default]\ns3cret\n", b"\xff\xfes3cret"])
def test_a_file_that_is_no_ini(content: str | bytes, keep_profile: KeepProfile) -> None:
    """A file that can't be understood is named, and nothing of it is repeated."""
    file = keep_profile(content)
    with pytest.raises(ConfigError) as refused:
        read_profile(None)
    assert refused.value.message == f"{file} can't be read: not an INI file"
    assert "s3cret" not in str(refused.value)


def test_a_file_that_can_not_be_read(keep_profile: KeepProfile) -> None:
    """What the system has against it is told."""
    file = keep_profile("")
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        read_profile(None)


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no home folder, as in many containers, has no profile."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", Mock(side_effect=KeyError("uid not found")))
    assert read_profile(None) == {}
    with pytest.raises(ConfigError):
        read_profile("night")
