"""Elastic Path's own configuration file, read and never written.

Its command-line client keeps profiles in the INI file `~/.epcc/config`: a section per
profile, with the names of the environment variables as keys.
"""

import configparser
import re
from collections.abc import Mapping
from pathlib import Path

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.text import one_line

DEFAULT = "default"
_COMMENT = re.compile(r"(^|\s+)[#;].*")
_QUOTED = re.compile(r"""(["'`])(.*)\1(\s+[#;].*)?""")


def config_file() -> Path:
    """Return where the file is, if there is one."""
    return Path("~/.epcc/config").expanduser()


def read_profile(name: str | None) -> Mapping[str, str]:
    """Return the variables of a profile, in capitals; of the default one for None.

    Raises `ConfigError` for a profile that was named and is not there.
    """
    try:
        file = config_file()
    except RuntimeError:  # no home directory, for example in a container
        if name is None:
            return {}
        raise ConfigError(f"no profile {one_line(name, 40)!r}: no home folder", _HINT) from None
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        text = file.read_text(encoding="utf-8-sig")
        parser.read_string(text)
    except FileNotFoundError:
        if name is None:
            return {}
        raise ConfigError(
            f"no profile {one_line(name, 40)!r}: {file} is not there", _HINT
        ) from None
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "not an INI file"
        raise ConfigError(f"{file} can't be read: {reason}", _HINT) from None
    if not parser.has_section(name or DEFAULT):
        if name is None:
            return {}
        known = ", ".join(one_line(section, 40) for section in parser.sections()) or "none"
        raise ConfigError(f"no profile {one_line(name, 40)!r} in {file}", f"it has: {known}")
    items = parser.items(name or DEFAULT)
    values = ((key.upper(), _unquoted(value.strip())) for key, value in items)
    return {key: value for key, value in values if value}


def _unquoted(value: str) -> str:
    """Return a value as the vendor's client reads it: no comment behind it, no quotes around it."""
    quoted = _QUOTED.fullmatch(value)
    return quoted[2] if quoted else _COMMENT.sub("", value)


_HINT = "set EPCC_CLIENT_ID and EPCC_CLIENT_SECRET instead, or name another --profile"
