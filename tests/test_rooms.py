"""Which room of the package may import which, and which libraries."""

import ast
from pathlib import Path

import pytest

import bulkcancel

PACKAGE = Path(bulkcancel.__file__).parent


BASE = {"base"}
MAY_IMPORT = {
    "base": BASE,
    "inputs": BASE,
    "epcc": BASE,
    "engine": BASE | {"epcc"},
    "listing": BASE | {"inputs", "epcc", "engine", "report", "console"},
    "report": BASE,
    "console": BASE,
    "run": BASE | {"inputs", "epcc", "engine", "listing", "report", "console", "sandbox"},
    "cli": BASE | {"run", "console", "inputs", "sandbox", "listing"},
    "sandbox": set[str](),
}
SLOW = {"inputs.stream"}  # imports asyncio, which a dry run does without
ONLY_IN = {
    "aiohttp": {"epcc.connections", "epcc.transport", "sandbox.server"},
    "aiolimiter": {"epcc.rate_limit"},
    "click": {"cli"},
    "rich": {"console"},
}


def imports(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            before = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            found |= {f"{before}{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_that_it_may_know(room: str) -> None:
    """Rooms import one way, from the room, not from its inside; `_version` is known to all."""
    names = {name for path in (PACKAGE / room).rglob("*.py") for name in imports(path)}
    own = [name.split(".")[1:] for name in names if name.startswith("bulkcancel.")]
    assert {name[0] for name in own} <= MAY_IMPORT[room] | {room, "_version"}
    inside = {".".join(name[:2]) for name in own if len(name) > 2 and name[0] not in {room, "base"}}
    assert inside <= SLOW


def test_every_folder_of_the_package_is_a_room() -> None:
    """A new folder needs a row of its own."""
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == MAY_IMPORT.keys()


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_only_where_it_belongs(library: str) -> None:
    """Each library is known to the room, or the module, that is there to use it."""
    users = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == library for name in imports(path))
    }
    assert {user for user in users if not user.startswith(tuple(ONLY_IN[library]))} == set()
