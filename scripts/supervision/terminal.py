"""A terminal as a screen of its own: drawn whole, keys without Enter, left as it was found."""

import os
import select
import shutil
import sys
import termios
import tty


class Terminal:
    """Standard output, and the keys of `keyboard` (a descriptor; None where input comes from elsewhere)."""

    def __init__(self, keyboard: int | None):
        self._keyboard = keyboard
        self._former = termios.tcgetattr(keyboard) if keyboard is not None else None

    def __enter__(self) -> "Terminal":
        if self._keyboard is not None:
            tty.setcbreak(self._keyboard)
        self._write("\x1b[?1049h\x1b[?25l")  # the other screen, without a cursor
        return self

    def __exit__(self, *_) -> None:
        self._write("\x1b[?25h\x1b[?1049l")
        if self._keyboard is not None:
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._former)

    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        return shutil.get_terminal_size()

    def draw(self, lines: list[str]) -> None:
        """Replaces what is shown; the last line ends without a line feed, which would scroll the first one away."""
        self._write("\x1b[H" + "\x1b[K\r\n".join(lines) + "\x1b[K\x1b[J")

    def key(self, timeout_seconds: float) -> str | None:
        """The next key or sequence of an arrow; nothing when none came in time."""
        watched = [] if self._keyboard is None else [self._keyboard]
        if not select.select(watched, [], [], max(0.0, timeout_seconds))[0]:
            return None
        return os.read(self._keyboard, 16).decode(errors="replace") or "\x04"

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
