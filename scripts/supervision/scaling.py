"""How many instances of a worker there should be, by the age of the backlog; knows no processes and clocks."""

from dataclasses import dataclass

OLD_SECONDS = 2.5  # a backlog is old from here on; a journal knows its age to a second
YOUNG_SECONDS = 1.5
OLD_FOR_SECONDS = 3.0  # how long it must be old and not shrink before there are twice as many
QUIET_FOR_SECONDS = 60.0  # how long it must be young, with an instance idle, before there is one less


@dataclass
class AgeScaling:
    """One stage that may have `least` to `most` instances. Twice as many at once, because webhooks wait; one less at a
    time, because nothing does."""

    least: int
    most: int
    _trend: str = ""
    _since: float = 0.0  # when the present trend began
    _age: float | None = None  # the age then

    def bounded(self, count: int) -> int:
        return max(self.least, min(count, self.most))

    def judge(self, now: float, count: int, age: float | None, all_busy: bool) -> int:
        """How many there should be.

        `age`: of the oldest webhook that is not settled; nothing where that is not known, or where another stage is
        away and more of this one could not help. `all_busy`: each instance holds records; where one is idle, a further
        one would be so too.
        """
        is_old = age is not None and age >= OLD_SECONDS and all_busy
        is_quiet = age is not None and age < YOUNG_SECONDS and not all_busy
        trend = "old" if is_old else "quiet" if is_quiet else ""
        if trend != self._trend or is_old and age < self._age:  # where it shrinks, those that there are suffice
            self._trend, self._since, self._age = trend, now, age
        wanted = count
        if is_old and now - self._since >= OLD_FOR_SECONDS:
            wanted = count * 2
        elif is_quiet and now - self._since >= QUIET_FOR_SECONDS:
            wanted = count - 1
        wanted = self.bounded(wanted)
        if wanted != count:
            self._trend = ""  # what the others do now is seen anew
        return wanted
