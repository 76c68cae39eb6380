"""What an alarm leads to: a training, and news for webhooks. Pure."""
