"""The command line, and all that operates Hydra: from words to checked settings to the command that runs with them.

`cli.py` dispatches, `words.py` reads the words, `compose.py` makes settings of them, `launch.py` runs the command,
`sweep.py` checks the jobs of `-m` beforehand, `explain.py` says what was wrong. Commands are found by name
(`drift_cli/command.py`); nothing here knows one. Of Hydra only the documented interface is used: `hydra.main`, the
Compose API, the override parser, and plugins for the search path and for callbacks.
"""
