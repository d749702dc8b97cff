"""Settings that differ from others in some options."""

from dataclasses import fields, replace
from typing import Any

from bulkcancel.base.settings import GROUPS, Settings


def changed(settings: Settings, **options: Any) -> Settings:  # noqa: ANN401
    """Return settings with these options changed, each in the group that it belongs to."""
    groups = {}
    for name, group in GROUPS.items():
        names = {each.name for each in fields(group)} & options.keys()
        found = {each: options.pop(each) for each in names}
        groups[name] = replace(getattr(settings, name), **found)
    return replace(settings, **groups, **options)
