"""How long to wait before a retry."""

from bulkcancel.base.waits import Backoff


def test_back_off_is_full_jitter_under_a_cap() -> None:
    """Delays are spread from 0 to twice as much each time, and never over the cap."""
    backoff = Backoff(base=0.5, cap=20)
    for retry, most in ((1, 1.0), (2, 2.0), (5, 16.0), (6, 20.0), (1000, 20.0)):
        delays = [backoff.delay(retry) for _ in range(300)]
        assert 0 <= min(delays) < 0.2 * most
        assert 0.8 * most < max(delays) <= most
