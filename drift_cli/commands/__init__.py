"""The commands other than studies, one folder each (`drift_cli/command.py` describes its contents)."""
