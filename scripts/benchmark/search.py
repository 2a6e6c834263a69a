"""Finds the highest load at which the backlog does not grow."""

from collections.abc import Callable, Iterator

from commandline import Failure

from .span import Span

NARROW_SHARE = 0.02
"""Two loads that differ by less than this are the same to a short probe."""
STEP_DOWN = 0.94
"""From a load that a long run could not confirm to the next one."""
LOWEST_SHARE = 0.02
"""Of what the ingress accepts unthrottled; what cannot even deliver this much is broken."""


def _bisected(lower: float, upper: float, probes: int, is_steady: Callable[[float], bool]) -> float:
    """The highest of at most `probes` loads that was steady; `lower` where none was."""
    for _ in range(probes):
        if upper - lower < NARROW_SHARE * upper:
            break
        middle = (lower + upper) / 2
        if is_steady(middle):
            lower = middle
        else:
            upper = middle
    return lower


def _falling(rate: float, lowest: float) -> Iterator[float]:
    while rate > lowest:
        yield rate
        rate *= STEP_DOWN


def highest_steady(unthrottled: Span, probes: int, probe: Callable[[float], Span],
                   confirm: Callable[[float], Span]) -> Span:
    """The long run at the highest steady load; a load of 0 stands for "unthrottled".

    Unthrottled, the ingress may well take the CPU that delivering needs: what is delivered then is a lower bound.
    """
    if unthrottled.is_steady:
        whole = confirm(0.0)
        if whole.is_steady:
            return whole
    upper = unthrottled.accepted_per_second
    lower = min(unthrottled.delivered_per_second, upper)
    best = _bisected(lower, upper, probes, lambda rate: probe(rate).is_steady)
    for rate in _falling(best, LOWEST_SHARE * upper):
        whole = confirm(rate)
        if whole.is_steady:
            return whole
    raise Failure(f"no load is steady: even at {LOWEST_SHARE * upper:.0f} webhooks/s the backlog grows.")
