"""Status for people: conditions, summaries, and what is wrong with pods."""
