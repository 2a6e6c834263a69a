"""When a stage that died is started again."""

from dataclasses import dataclass

EARLY_SECONDS = 1.0
"""A death within this time of being ready (or before it) is early; only early ones back off."""
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
LOOP_DEATHS = 3
"""So many early deaths in a row are called a crash loop."""


@dataclass
class RestartPolicy:
    """Counts early deaths in a row: 0, 0.2, 0.4, 0.8 … 5 seconds."""

    early_deaths: int = 0

    def delay_after_death(self, ready_for_seconds: float | None) -> float:
        """Seconds to wait before the next start; `None` means that it never became ready."""
        if ready_for_seconds is not None and ready_for_seconds >= EARLY_SECONDS:
            self.early_deaths = 0
            return 0.0
        self.early_deaths += 1
        if self.early_deaths == 1:
            return 0.0
        return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(self.early_deaths - 2, 16))

    @property
    def is_looping(self) -> bool:
        return self.early_deaths >= LOOP_DEATHS
