"""How people and reports know a store."""

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.run.store import Store
from tests.run.runs import URL

FISH = StoreName("s-1", "Fish & Chips")


@pytest.mark.parametrize(
    ("store", "words", "in_report"),
    [
        (Store(URL, FISH), 'store.example:8443, store "Fish & Chips" (s-1)', "store.example s-1"),
        (Store(URL, StoreName("s-1")), "store.example:8443, store (s-1)", "store.example s-1"),
        (Store(URL, StoreName()), "store.example:8443 (store name could not be read)",
         "store.example"),
        (Store(URL), "store.example:8443", "store.example"),
        (Store("http://127.0.0.1:4711", practice=True), "a practice API", "practice"),
    ],
    ids=["a name", "an id", "no answer", "not asked", "practice"],
)  # fmt: skip
def test_a_store_is_known_by_host_and_name(store: Store, words: str, in_report: str) -> None:
    """Stores of a region share a host: the name tells them apart, or it is said to be lacking."""
    assert (str(store), store.in_report) == (words, in_report)
