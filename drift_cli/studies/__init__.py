"""The studies: each measures and decides claims, and is one folder (`drift_cli/command.py` describes its contents).

`study.py` is the run folder of a running study, `numbers.py` what its parts return. `kept_runs.py` are the runs that
are kept, `tuning.py` chooses a factor on one seed and judges it on others, `at_factor.py` is a run at such a factor,
`training.py` what training runs share. `settings.py` are settings that studies share, `kernels.py` the catalogue's
kernels one by one, `units.py` the units of a reported distance.
"""
