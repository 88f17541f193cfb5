"""Messages that are wrapped: what is inside, what it says of its row, and the envelope's own fields."""
