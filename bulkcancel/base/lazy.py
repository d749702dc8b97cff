"""Import a name from its module only when it is asked for, so that the command starts fast."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any


def importer(package: str, names: Sequence[str], *modules: str) -> Callable[[str], Any]:
    """Return the `__getattr__` (PEP 562) of a package that finds its `names` in these `modules`.

    They are imported in this order until one has the name: what takes long comes last.
    """

    def get(name: str) -> Any:  # noqa: ANN401
        for module in modules if name in names else ():
            found = vars(import_module(f"{package}.{module}"))
            if name in found:
                return found[name]
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
