"""What scripts/bench runs: the release build under load, compared with nginx as a bare reverse proxy on the same cores.

__main__ (options, order, clean-up) -> bench (the measurements) -> search (the highest steady load)
-> observer and span (what the stages and the kernel say between two moments) -> load (wrk), pipeline, proxies (nginx),
yardstick (the bare proxy).
report turns the outcome into a table. The standard library only.
"""
