"""The supervisor of Tributary's stages, in modules that read from the top down:

commands (the command line) -> daemon (the stages of one run directory) -> instance (one process and its restarts)
-> process (fork, pid file, pidfd) and policy (when to start again). The standard library only.
"""
