"""The supervisor of Tributary's stages, in modules that read from the top down:

commands (the command line) -> service (the process, its lock, signals and control socket) -> daemon (the stages of one
run directory) and reloading -> instance (one process and its restarts) -> process (fork, pid file, pidfd) and health
(what it answers, when to give up on it). The standard library only; what `tributary` knows is asked of it.
"""
