"""The commands that are no studies, each one folder (`drift_cli/command.py` says what is in it)."""
