"""`python -m drift_cli.shell.attached <command> …`: a command that another process started, and that ends with it.

The starter holds the other end of standard input. When it ends, however it ends, standard input does too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading


def _end_with_the_starter() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starter's, who ends this one

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _end_with_the_starter()
    from drift_cli.shell.cli import main

    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    raise SystemExit(main())
