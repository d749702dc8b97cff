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

_FILE = "~/.epcc/config"
_HINT = "set EPCC_CLIENT_ID and EPCC_CLIENT_SECRET instead, or name another --profile"
_COMMENT = re.compile(r"(^|\s+)[#;].*")
_QUOTED = re.compile(r"""(["'`])(.*)\1(\s+[#;].*)?""")


def read_profile(name: str | None) -> Mapping[str, str]:
    """Return the variables of a profile, in capitals; of the default one, if any, for None."""
    file = Path(_FILE)
    parser = configparser.RawConfigParser(default_section="", strict=False)
    missing = f"no profile {one_line(name or '', 40)!r}"
    try:
        file = file.expanduser()
        parser.read_string(file.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, RuntimeError):  # no home directory, for example in a container
        if name is None:
            return {}
        raise ConfigError(f"{missing}: {file} is not there", _HINT) from None
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "not an INI file"
        raise ConfigError(f"{file} can't be read: {reason}", _HINT) from None
    section = name or "default"
    if not parser.has_section(section):
        if name is None:
            return {}
        known = ", ".join(one_line(each, 40) for each in parser.sections()) or "none"
        raise ConfigError(f"{missing} in {file}", f"it has: {known}")
    values = {key.upper(): _unquoted(value.strip()) for key, value in parser.items(section)}
    return {key: value for key, value in values.items() if value}


def _unquoted(value: str) -> str:
    """Return a value as the vendor's client reads it: no comment behind it, no quotes around it."""
    quoted = _QUOTED.fullmatch(value)
    return quoted[2] if quoted else _COMMENT.sub("", value)
