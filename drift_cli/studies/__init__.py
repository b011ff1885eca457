"""The studies: each decides claims by what it measures, and is one folder (`drift_cli/command.py` says what is in it).

`study.py` is the run folder of a study at work, `numbers.py` what its parts return, `kept_runs.py` the training runs
that it keeps.
"""
