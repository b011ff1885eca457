"""One module per command: `run(config, folder)`."""
