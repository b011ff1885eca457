"""`python -m drift_cli` is the command `drift`."""

from drift_cli.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
