"""The outcome as a table for a reader."""

GOAL, LEAST = 0.6, 0.25
"""Shares of the bare proxy's rate: what is aimed at, and below which the benchmark fails."""
ACKNOWLEDGEMENT_GOAL_SECONDS = 0.005
FOREIGN_SHARE = 0.05
"""Of the machine; where others took more, the figures are noisy."""


def number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def megabytes(value: float) -> str:
    return f"{value / 1e6:.1f} MB"


def duration(seconds: float | None) -> str:
    """Short enough for a column: 420µs, 1.2ms, 3.4s."""
    if seconds is None:
        return "-"
    size, unit = (1e-6, "µs") if seconds < 0.001 else (0.001, "ms") if seconds < 1 else (1, "s")
    value = seconds / size
    return f"{value:.1f}{unit}" if value < 10 and unit != "µs" else f"{value:.0f}{unit}"


def precise(seconds: float | None) -> str:
    """Like `duration`, with two places for milliseconds, since a goal is to be compared."""
    return duration(seconds) if seconds is None or not 0.001 <= seconds < 0.1 else f"{1000 * seconds:.2f}ms"


def _quantiles(figures: dict) -> str:
    return ", ".join(f"{name.replace('p999', 'p99.9')} {precise(value)}" for name, value in figures.items())


def _rates(outcome: dict) -> list[tuple[str, str]]:
    steady, unthrottled, proxy = outcome["steady"], outcome["unthrottled"], outcome["proxy"]
    return [
        ("nginx as a bare proxy", f"{number(proxy['requests_per_second'])} requests/s ("
         f"{number(proxy['least_per_second'])} to {number(proxy['most_per_second'])}), "
         f"{proxy['cpu_micros_per_request']:.1f} µs of CPU per request with sink and wrk; medians of "
         "turns, as the ratios"),
        ("steady state, accepted", f"{number(steady['accepted_per_second'])} webhooks/s"),
        ("steady state, delivered", f"{number(steady['delivered_per_second'])} events/s, backlog "
         f"{number(steady['backlog_before'])} > {number(steady['backlog_after'])}"),
        ("ratio to the bare proxy", f"{outcome['ratio']:.2f} (goal {GOAL})"),
        ("  by CPU, with sink and wrk", f"{outcome['ratio_by_cpu']:.2f} (others on the machine disturb it less)"),
        ("unthrottled", f"{number(unthrottled['accepted_per_second'])} accepted/s, "
         f"{number(unthrottled['delivered_per_second'])} delivered/s meanwhile"),
    ]


def _latencies(outcome: dict) -> list[tuple[str, str]]:
    half, one = outcome["half_load"], outcome["one_client"]
    return [
        ("half load", f"{number(half['accepted_per_second'])} webhooks/s"),
        ("  acknowledgement, wrk's view", _quantiles(half["acknowledgement_seconds"])),
        ("  acknowledgement, ingress' view", _quantiles(half["acknowledgement_seconds_by_ingress"])),
        ("  receipt to delivery", _quantiles(half["receipt_to_delivery_seconds"])),
        ("one client, one request at a time", f"{_quantiles(one['acknowledgement_seconds'])}; p50 is "
         f"{one['flushes']:.1f} flushes of 4 KiB on this disk ({precise(one['flush_seconds'])})"),
    ]


def _costs(outcome: dict) -> list[tuple[str, str]]:
    steady, tap = outcome["steady"], outcome["tap"]
    micros, share = steady["cpu_micros_per_event"], outcome["proxy_requests_per_event"]
    stages = outcome["resident_bytes"]
    rows = [("CPU per event, all stages", f"{sum(micros[name] for name in stages):.1f} µs at the steady load, "
             f"{sum(outcome['half_load']['cpu_micros_per_event'][name] for name in stages):.1f} µs at half of it")]
    for name, resident in stages.items():
        rows.append((f"  {name}", f"{micros[name]:.1f} µs, {share[name]:.3f} of the proxy's request; resident "
                     f"{megabytes(resident['idle'])} idle, "
                     f"{megabytes(resident['under_load'])} under load"))
    rows += [(f"  {name} (for comparison)", f"{micros[name]:.1f} µs") for name in ("wrk", "sink")]
    rows += [(f"written per event, {name}", f"{number(value)} bytes")
             for name, value in steady["written_bytes_per_event"].items()]
    rows.append(("one tap on every hop", f"{tap['stages_cpu_percent_more']:+.1f} % CPU of the stages "
                 f"({tap['stopped_cpu_percent_more']:+.1f} % when it is stopped), "
                 f"{tap['tap_cpu_micros_per_event']:.1f} µs per event of its own, "
                 f"{-tap['delivered_percent_less']:+.1f} % delivered/s at the steady load"))
    return rows


def _machine(outcome: dict) -> list[tuple[str, str]]:
    machine, settings, totals = outcome["machine"], outcome["settings"], outcome["totals"]
    return [
        ("machine", f"{machine['cores']} cores, {machine['processor']}, "
         f"{megabytes(machine['memory_bytes'])}, Linux {machine['kernel']}, {machine['filesystem']}"),
        ("versions", f"commit {machine['commit'] or 'unknown'}, Swift {machine['swift']}, wrk {machine['wrk']}, "
         f"nginx {machine['nginx']}"),
        ("pipeline", f"{settings['verifiers']} verifier, {settings['normalisers']} normaliser, "
         f"{settings['concurrency']} deliveries in flight, {settings['connections']} connections, "
         f"bodies of {settings['body_bytes']} bytes"),
        ("in all", f"{number(totals['accepted'])} accepted, {number(totals['delivered'])} delivered, "
         f"{number(totals['resends'])} sent again on the bus, {number(totals['failed_attempts'])} attempts failed"),
    ]


def table(outcome: dict) -> str:
    """Name and figure of everything, in groups."""
    groups = [_machine(outcome), _rates(outcome), _latencies(outcome), _costs(outcome)]
    width = max(len(name) for group in groups for name, _ in group)
    return "\n\n".join("\n".join(f"{name:<{width}}  {figure}" for name, figure in group) for group in groups)


def remarks(outcome: dict) -> list[str]:
    """What the reader has to know beside the figures: goals that were missed, and noise."""
    said = []
    foreign = max(outcome[part]["foreign_cpu_share"] for part in ("steady", "half_load"))
    if foreign > FOREIGN_SHARE:
        said.append(f"others used up to {100 * foreign:.0f} % of the machine meanwhile, so the figures are noisy.")
    p99 = outcome["half_load"]["acknowledgement_seconds"]["p99"]
    if p99 > ACKNOWLEDGEMENT_GOAL_SECONDS:
        said.append(f"the goal for the acknowledgement's p99 at half load is under "
                    f"{duration(ACKNOWLEDGEMENT_GOAL_SECONDS)}; it is {precise(p99)}.")
    ratio = outcome["ratio"]
    if ratio < GOAL:
        missed = f"{ratio:.2f} of the bare proxy's rate is delivered; the goal is {GOAL}"
        said.append(f"{missed}, and below {LEAST} the benchmark fails." if ratio < LEAST else f"{missed}.")
    return said
