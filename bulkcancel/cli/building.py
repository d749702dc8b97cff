"""What the commands are built from with click: options, names of files, help in groups."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from bulkcancel._version import __version__

_COLUMNS = shutil.get_terminal_size().columns
CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "terminal_width": _COLUMNS - 1 if _COLUMNS < 52 else None,  # click takes 50 at least
}


class FileName(click.Path):
    """The name of a file, which is not blank; more is checked later. Shells can complete it."""

    def convert(
        self,
        value: Any,  # noqa: ANN401  (click's type)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401
        """Return the name; raises click's usage error."""
        if not str(value).strip():
            self.fail("the name is blank: is a variable of the shell not set?", param, ctx)
        if value == "-" and not self.allow_dash:
            self.fail("standard output is no place for it: name a file.", param, ctx)
        return super().convert(value, param, ctx)


Groups = Mapping[str, Sequence[click.Option]]


class _Option(click.Option):
    """An option that may come from a variable, whose value has no quotation marks of its own."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the variable's value; raises `ConfigError`."""
        value = super().resolve_envvar_value(ctx)
        if value is not None:
            from bulkcancel.base.checks import check_unquoted  # noqa: PLC0415  (rarely needed)

            check_unquoted(str(self.envvar), value.strip())
        return value


def option(*names: str, **more: Any) -> click.Option:  # noqa: ANN401  (as click has it)
    """Return an option; what it may come from is shown in its help."""
    return _Option(names, show_envvar="envvar" in more, **more)


def flag(*names: str, **more: Any) -> click.Option:  # noqa: ANN401  (as click has it)
    """Return an option without a value."""
    return option(*names, is_flag=True, **more)


def checked(check: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a click callback that passes values through one of `base.checks`."""

    def pass_through(_: click.Context, __: click.Parameter, value: Any) -> Any:  # noqa: ANN401
        from bulkcancel.base import checks  # noqa: PLC0415  (--help needs none of it)

        return value if value is None else getattr(checks, check)(value)

    return pass_through


class GroupedCommand(click.Command):
    """A command whose help shows its options by what they are for."""

    def __init__(self, *args: Any, groups: Groups, **more: Any) -> None:  # noqa: ANN401
        self.groups = groups
        options = [option for group in groups.values() for option in group]
        super().__init__(*args, **more)
        click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")(self)
        self.params += options

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group of options, and one for the others."""
        grouped = [option for group in self.groups.values() for option in group]
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        others = [each for each in options if each not in grouped]
        for title, group in (*self.groups.items(), ("Other", others)):
            with formatter.section(title):
                records = (each.get_help_record(ctx) for each in group)
                formatter.write_dl([record for record in records if record])
