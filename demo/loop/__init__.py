"""The loop: drift is seen, a model is trained, judged and promoted; broken data train nothing."""
