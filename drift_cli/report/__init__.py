"""The claims, reported numbers and parts in the studies' folders: read, judged, and made into the page."""
