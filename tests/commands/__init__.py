"""Of the commands that are no studies."""
