"""The course of a run as a drawing: requests a second, jobs settled, pauses and refusals."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby, pairwise

from bulkcancel.base.text import duration
from bulkcancel.console.watch import Sample

_WIDTH, _HEIGHT = 720, 200
_LEFT, _RIGHT, _HIGH, _LOW = 40, 660, 20, 170  # edges of the plot


def timeline_svg(samples: Sequence[Sample]) -> str:
    """Return an SVG element, which the page styles by its classes."""
    plot = _Plot(samples)
    most, settled, end = f"{plot.most:.0f}", f"{plot.settled:,}", duration(plot.end)
    label = f"At most {most} requests a second; {settled} jobs settled in {end}"
    parts = "".join((*plot.stalls(), *plot.lines(), *plot.refusals(), *plot.texts()))
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{parts}</svg>'


def stalls_of(samples: Sequence[Sample]) -> list[tuple[float, float, str]]:
    """Return when nothing moved, from and to in seconds, and why."""
    found = []
    for stall, pairs in groupby(pairwise(samples), key=lambda pair: pair[1].stall):
        if stall:
            spans = list(pairs)
            found.append((spans[0][0].at, spans[-1][1].at, stall))
    return found


class _Plot:
    """Samples in the coordinates of the drawing."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._steps = [
            (a.at, b.at, (b.requests - a.requests) / (b.at - a.at))
            for a, b in pairwise(samples)
            if b.at > a.at
        ]
        self.end = max(1.0, samples[-1].at)
        self.most = max(1.0, *(rate for _, _, rate in self._steps), 0.0)
        self.settled = samples[-1].settled

    def _x(self, at: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * at / self.end, 1)

    def _y(self, share: float) -> float:
        return round(_LOW - (_LOW - _HIGH) * share, 1)

    def lines(self) -> Iterator[str]:
        """Draw the axes, the requests a second, and the jobs settled so far."""
        yield f'<path class="axis" d="M{_LEFT} {_HIGH}V{_LOW}H{_RIGHT}V{_HIGH}"/>'
        requests = [(at, rate / self.most) for a, b, rate in self._steps for at in (a, b)]
        jobs = [(each.at, each.settled / max(1, self.settled)) for each in self._samples]
        for name, points in (("requests", requests), ("settled", jobs)):
            line = " ".join(f"{self._x(at)},{self._y(share)}" for at, share in points)
            yield f'<polyline class="{name}" points="{line}"/>'

    def stalls(self) -> Iterator[str]:
        """Shade the times in which nothing moved."""
        for begin, end, stall in stalls_of(self._samples):
            x, title = self._x(begin), f"<title>{escape(stall)}</title>"
            size = f'width="{self._x(end) - x:.1f}" height="{_LOW - _HIGH}"'
            yield f'<rect class="stall" x="{x}" y="{_HIGH}" {size}>{title}</rect>'

    def refusals(self) -> Iterator[str]:
        """Mark the seconds in which the store refused requests."""
        for a, b in pairwise(self._samples):
            if b.refused > a.refused:
                yield f'<path class="refused" d="M{self._x(b.at)} {_HIGH}v-8"/>'

    def texts(self) -> Iterator[str]:
        """Write the largest values at the axes, and times."""
        texts: list[tuple[float, float, str, str]] = [
            (_LEFT - 6, _HIGH + 4, "end", f"{self.most:.0f}"),
            (_LEFT - 6, _LOW + 4, "end", "0"),
            (_RIGHT + 6, _HIGH + 4, "start", f"{self.settled:,}"),
        ]
        times = [self.end * i / 4 for i in range(5)]
        texts += [(self._x(at), _HEIGHT - 10, "middle", duration(at)) for at in times]
        for x, y, anchor, text in texts:
            yield f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'
