"""How the program was called, so that it can be called again, and where values came from."""

import shutil
import sys
from collections.abc import Container, Iterator
from pathlib import Path

import click
from click.core import ParameterSource

_ORIGINS = {ParameterSource.COMMANDLINE: "option", ParameterSource.ENVIRONMENT: "environment"}


def origin(context: click.Context, name: str) -> str:
    """Return where an option's value came from, in a word."""
    source = context.get_parameter_source(name)
    return _ORIGINS.get(source or ParameterSource.DEFAULT, "default")


def program() -> tuple[str, ...]:
    """Return how this program can be called again, from the same folder."""
    script = sys.argv[0]
    if Path(script).name == "__main__.py":
        return Path(sys.executable).name, "-m", "bulkcancel"
    found = shutil.which("bulkcancel")
    if found and Path(script).exists() and Path(found).samefile(script):
        return ("bulkcancel",)
    return (script if Path(script).stem == "bulkcancel" else "bulkcancel",)


def given(context: click.Context, names: Container[str]) -> Iterator[str]:
    """Yield those options of the command line that have one of these names."""
    for parameter in context.command.params:
        name = parameter.name or ""
        if not isinstance(parameter, click.Option) or name not in names:
            continue
        if origin(context, name) != "option":
            continue
        value = context.params[name]
        if parameter.count:
            yield "-" + "v" * value
        elif parameter.is_flag:
            yield parameter.opts[-1]
        else:
            for each in value if parameter.multiple else (value,):
                yield parameter.opts[-1]
                yield _shown(name, each)


def _shown(name: str, value: object) -> str:
    """Return an option's value as it may be shown: those of headers may be secret."""
    if name == "headers":
        return f"{str(value).partition(':')[0]}: …"
    if isinstance(value, frozenset):
        return ",".join(sorted(map(str, value)))
    return f"{value:.15g}" if isinstance(value, float) else str(value)
