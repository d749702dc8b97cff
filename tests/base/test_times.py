"""Times and durations as people type them."""

from datetime import datetime

import pytest

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.times import moment_of, seconds_of

NOW = 1_771_416_000.0  # 2026-02-18T12:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), (" 15M ", 900), ("1.5h", 5400), ("3 d", 259200)],
)
def test_a_duration_is_read_with_its_unit(text: str, seconds: float) -> None:
    """Without a unit it is seconds."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1m", "1w", "m", "1m30s", "1e9d", "9" * 400, "٣m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """None at all is refused, too."""
    with pytest.raises(ConfigError, match="is no duration"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", NOW - 5400),
        ("2h", NOW - 7200),
        ("2026-02-18T12:00:00Z", NOW),
        ("2026-02-18T13:00:00.5+01:00", NOW + 0.5),
        ("20260218T120000Z", NOW),
    ],
)
def test_a_time_is_an_age_or_iso_8601(text: str, moment: float) -> None:
    """With a zone, nothing is taken for granted."""
    assert moment_of(text, NOW) == (moment, False)


@pytest.mark.parametrize("text", ["2026-02-18", "2026-02-18 12:00", "2026-02-18T12:00:00"])
def test_a_time_without_a_zone_is_local(text: str) -> None:
    """And that is told."""
    moment, is_local = moment_of(text, NOW)
    assert is_local
    assert moment == datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("text", ["", "yesterday", "12:00", "0h", "-2h", "90", "9999-99-99"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """A number alone could be anything."""
    with pytest.raises(ConfigError, match=r"is no (time|duration)"):
        moment_of(text, NOW)
