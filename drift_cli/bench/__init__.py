"""Side-by-side measurements of the drift: ours, the naive forms, and the peers that are installed."""
