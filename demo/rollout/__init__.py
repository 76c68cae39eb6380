"""The rollout demo: a version is installed, a better one promoted, a worse one rolled back."""
