"""The way of one event through the stages, as `tributary events ID --json` tells it."""

from datetime import datetime


def seconds(moment: str | int | float) -> float:
    """A moment of a journey: RFC 3339 with up to nine digits, or nanoseconds since 1970."""
    if isinstance(moment, (int, float)):
        return moment / 1e9
    whole, point, rest = moment.replace("Z", "+00:00").partition(".")
    if not point:
        return datetime.fromisoformat(whole).timestamp()
    digits = rest[:len(rest) - len(rest.lstrip("0123456789"))]
    return datetime.fromisoformat(whole + rest[len(digits):]).timestamp() + float(f"0.{digits}")


def line(record: dict) -> str:
    """Every stage with the milliseconds since the first one took the webhook, then where the event went."""
    steps = record.get("journey", [])
    if not steps:
        return "no stage left its stamp"
    start = seconds(steps[0]["started"])
    parts = [f"{step['instance']} {1000 * (seconds(step['finished']) - start):.1f} ms" for step in steps]
    outcomes = [f"{each['subscription']} {each['state']}" for each in record.get("deliveries", [])]
    return " > ".join(parts) + (f"  =>  {', '.join(outcomes)}" if outcomes else "")
