"""The pages of sources: what is listened to without a channel, for owners."""
