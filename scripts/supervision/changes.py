"""Waiting for something to become true in the daemon's one thread."""

import asyncio
from collections.abc import Callable


class Changes:
    """Whoever changes the state of an instance fires; whoever waits looks again."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, holds: Callable[[], bool], timeout_seconds: float) -> bool:
        """Whether it held before the time was over."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not holds():
                    await self._event.wait()
        except TimeoutError:
            return holds()
        return True
