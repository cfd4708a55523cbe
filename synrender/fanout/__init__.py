"""The fan-out: one driver, many workers, and what they tell each other."""
