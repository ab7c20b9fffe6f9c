"""Messages and the channels that carry them; everything they need is passed in."""
