"""The fan-out: one driver, many workers, and the messages between them."""
