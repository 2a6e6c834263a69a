"""What ends a command with a sentence."""

USAGE = 64
UNAVAILABLE = 69
CONFIGURATION = 78
NOT_READY = 1
NOT_RUNNING = 3


class Failure(Exception):
    """A command cannot go on: the sentence says what, why and how to fix it; the code follows sysexits."""

    def __init__(self, sentence: str, exit_code: int = NOT_READY):
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code
