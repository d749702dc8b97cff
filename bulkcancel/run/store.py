"""The store of a run, as people and reports name it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from bulkcancel.base.model import StoreName
from bulkcancel.report import store_text


@dataclass(frozen=True, slots=True)
class Store:
    """A store by its base URL; `name` is what it calls itself, None where it was not asked."""

    url: str
    name: StoreName | None = None
    practice: bool = False

    @property
    def host(self) -> str:
        """Return where the store is, as people know it."""
        return urlsplit(self.url).netloc

    @property
    def in_report(self) -> str:
        """Return the store as the report names it; each practice API is the same one."""
        host = "practice" if self.practice else urlsplit(self.url).hostname or ""
        return store_text(host, self.name.id if self.name else "")

    def __str__(self) -> str:
        """Return how people know the store: stores of a region share a host."""
        if self.practice:
            return "a practice API"
        if self.name is None:
            return self.host
        name = str(self.name)
        return f"{self.host}, {name}" if name else f"{self.host} (store name could not be read)"
