"""The studies: each measures and decides claims, and is one folder (`drift_cli/command.py` describes its contents).

`study.py` is the run folder of a running study, `numbers.py` what its parts return, `training.py` the settings that
training runs share, `kept_runs.py` the runs that are kept, `units.py` the units of a reported distance.
"""
