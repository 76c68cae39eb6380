"""Pairs: the answers of two versions to the same request are compared while requests are copied.

A candidate's pod that gets copies asks the pods of the stable revision what they answered to the same requests, and
counts how many answers differ (docs/adr/0019-paired-answers.md). At rest nothing of it runs.
"""
