"""Webhooks of users."""
