"""What ends a command with a sentence."""

NOT_READY, NOT_RUNNING = 1, 3
USAGE, UNAVAILABLE, NO_PERMISSION, CONFIGURATION = 64, 69, 77, 78
"""After sysexits.h."""


class Failure(Exception):
    """A command cannot go on: the sentence says what, why and how to fix it."""

    def __init__(self, sentence: str, exit_code: int = NOT_READY):
        super().__init__(sentence)
        self.sentence, self.exit_code = sentence, exit_code


class NotRunning(Failure):
    """There is no supervisor to do it."""

    def __init__(self) -> None:
        super().__init__("no supervisor runs; 'scripts/supervisor up -d' starts one (and takes over what runs).",
                         NOT_RUNNING)
