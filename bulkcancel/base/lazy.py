"""Import a name from its module only when it is asked for, so that the command starts fast."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def importer(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` (PEP 562) of a package whose names are in these `modules`.

    Each key names a module, relative to the package; its value lists the names, apart by spaces.
    """
    module_of = {name: key for key, names in modules.items() for name in names.split()}

    def get(name: str) -> Any:  # noqa: ANN401
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{module_of[name]}"), name)

    return get
