"""What may happen to the bytes of a message on their way."""

from __future__ import annotations

from random import Random


def damaged(random: Random, message: bytes) -> bytes:
    """One of its bytes is another, or more, or missing; or all are anything."""
    at = random.randrange(len(message) + 1)
    octet = random.choice((0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF, random.randrange(256)))
    return random.choice((
        message[:at],
        message + bytes([octet]),
        message[:at] + bytes([octet]) + message[at + 1 :],
        message[:at] + bytes([octet]) + message[at:],
        message[:at] + message[at + 1 :],
        message[:at] + b"\xff" * random.randint(1, 12) + message[at + 1 :],
        message[:at] + b"\x80" * random.randint(1, 10) + message[at:],
        message[at:] + message[:at],
        random.randbytes(at),
    ))  # fmt: skip
