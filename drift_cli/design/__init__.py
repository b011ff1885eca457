"""What is best by a linear programme: how to share a whole, of time or of mass, among bandwidths."""
