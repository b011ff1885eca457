"""The studies: each decides claims by what it measures, and is one folder (`drift_cli/command.py` says what is in it).

`study.py` is the run folder of a study at work, `numbers.py` what its parts return, `training.py` the
settings that training runs share, `kept_runs.py` the runs that are kept, `units.py` the units of a reported distance.
"""
