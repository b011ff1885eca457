"""The papers' claims as data, and the verdicts that measurements give."""
