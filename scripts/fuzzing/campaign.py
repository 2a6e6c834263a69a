"""Runs of the fuzz program: short ones that are the same every time, and long ones that remember what they learnt."""

import re
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .program import Program

SHORT_RUNS = {"front": 400}
"""Inputs that a short run tries …"""
OTHER_SHORT_RUNS = 4000
"""… where the target is not named. Each takes a few seconds at most."""
SEED = 20260101
MOST_BYTES = {"front": 2048}
OTHER_MOST_BYTES = 16384
BROKEN = re.compile(r"Fatal error: (.*)|(ERROR: \w+: .*)")
DONE = re.compile(r"Done (\d+) runs? in (\d+) second")
COVERAGE = re.compile(r"cov: (\d+)")


@dataclass(frozen=True)
class Outcome:
    """What a run came to; `find` is the input that broke something."""

    target: str
    runs: int
    coverage: int
    find: Path | None = None
    sentence: str = ""


class Campaign:
    """Corpora and finds lie in `folder`, one subfolder per target."""

    def __init__(self, program: Program, folder: Path):
        self._program, self._folder = program, folder

    def short(self, target: str) -> Outcome:
        """From the seeds alone, with a fixed seed and a fixed number of inputs."""
        corpus = Path(tempfile.mkdtemp(prefix="tributary-fuzz-"))
        try:
            self._program.write_seeds(target, corpus)
            runs = SHORT_RUNS.get(target, OTHER_SHORT_RUNS)
            return self._run(target, [f"-runs={runs}", f"-seed={SEED}"], [corpus])
        finally:
            shutil.rmtree(corpus)

    def long(self, target: str, seconds: int) -> Outcome:
        """From the corpus of earlier runs on, which it adds to."""
        corpus, seeds = self._folder / target / "corpus", self._folder / target / "seeds"
        corpus.mkdir(parents=True, exist_ok=True)
        self._program.write_seeds(target, seeds)
        return self._run(target, [f"-max_total_time={seconds}"], [corpus, seeds])

    def replay(self, target: str, file: Path) -> Outcome:
        """Tries one input."""
        return self._run(target, [], [file])

    def _run(self, target: str, options: list[str], inputs: list[Path]) -> Outcome:
        finds = self._folder / target / "finds"
        finds.mkdir(parents=True, exist_ok=True)
        before = set(finds.iterdir())
        options = [*options, f"-max_len={MOST_BYTES.get(target, OTHER_MOST_BYTES)}", "-timeout=120", "-detect_leaks=0",
                   "-rss_limit_mb=3000", f"-artifact_prefix={finds}/"]
        finished = self._program.run(target, options + [str(path) for path in inputs])
        words = finished.stderr
        done, coverage = DONE.search(words), COVERAGE.findall(words)
        runs = int(done[1]) if done else 0
        new = sorted(set(finds.iterdir()) - before)
        if finished.returncode == 0 and not new:
            return Outcome(target, runs, int(coverage[-1]) if coverage else 0)
        broken = BROKEN.search(words)
        sentence = next(filter(None, broken.groups()), "") if broken else words.strip()[-200:]
        return Outcome(target, runs, 0, new[0] if new else inputs[0], sentence)


def repeat_command(outcome: Outcome) -> str:
    return f"scripts/fuzz --target {outcome.target} --replay {shlex.quote(str(outcome.find))}"
