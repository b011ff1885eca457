"""`drift`: a laboratory bench for generative drifting (one-step generators trained by a kernel drift)."""

__version__ = "0.1.0"
