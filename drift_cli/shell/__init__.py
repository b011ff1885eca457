"""The command line, and all that operates Hydra: from words to checked settings to the command that runs with them.

`cli.py` dispatches, `words.py` reads the words, `compose.py` makes settings of them, `launch.py` runs the command,
`sweep.py` checks the jobs of `-m` beforehand, `explain.py` says what was wrong, `help.py`, `known.py` and
`completion.py` what there is, `resume.py` what may change. `callback.py` is called by Hydra, `attached.py` is a
command that another one started. Commands are found by name (`drift_cli/command.py`); nothing here knows one.

Hydra is used through `hydra.main`, the Compose API, the override parser and plugins for the search path and for
callbacks. `compose.py` and `sweep.py` also put back its two singletons, for which it has no other way: a command may
compose the settings of another.
"""
