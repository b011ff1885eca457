"""`python -m drift_cli` is the command `drift`."""

from drift_cli.shell.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
