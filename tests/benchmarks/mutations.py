"""Eight ways in which a file gets damaged, from a seed."""

import struct
from collections.abc import Callable, Mapping
from random import Random

Mutation = Callable[[bytes, bytes, Random], bytes]
"""From a file, another file and a source of chance to the damaged file."""

HEADER_BYTES = 4096
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WIDE_EXTREMES = (2**63 - 1, 2**63, 2**64 - 1, 2**40)


def flip_bits(content: bytes, _: bytes, random: Random) -> bytes:
    """Flips 1 to 100 bits, more in larger files."""
    damaged = bytearray(content)
    for _number in range(random.randint(1, max(1, min(100, len(content) // 50)))):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def truncate(content: bytes, _: bytes, random: Random) -> bytes:
    """Cuts off the end, now and then nearly everything."""
    return content[: random.randrange(len(content) if random.random() < 0.8 else min(64, len(content)))]


def splice(content: bytes, other: bytes, random: Random) -> bytes:
    """Goes on with another file from some place on, or holds a stretch of it."""
    at, other_at = random.randrange(len(content)), random.randrange(len(other))
    if random.random() < 0.5:
        return content[:at] + other[other_at:]
    stretch = other[other_at : other_at + random.randint(1, 20_000)]
    return content[:at] + stretch + content[at + random.choice((0, len(stretch))) :]


def zero(content: bytes, _: bytes, random: Random) -> bytes:
    """Zeroes a stretch, as a disk does that lost a block."""
    start, end = _stretch(content, random)
    return content[:start] + bytes(end - start) + content[end:]


def double(content: bytes, _: bytes, random: Random) -> bytes:
    """Repeats a stretch, as an interrupted download does that goes on too early."""
    start, end = _stretch(content, random)
    return content[:end] + content[start:end] * random.randint(1, 3) + content[end:]


def damage_header(content: bytes, _: bytes, random: Random) -> bytes:
    """Replaces bytes near the beginning."""
    damaged = bytearray(content)
    for _number in range(random.randint(1, 30)):
        damaged[random.randrange(min(HEADER_BYTES, len(damaged)))] = random.randrange(256)
    return bytes(damaged)


def write_extremes(content: bytes, _: bytes, random: Random) -> bytes:
    """Writes the smallest and largest integers of 2, 4 and 8 bytes, mostly into headers at both ends."""
    damaged = bytearray(content)
    for _number in range(random.randint(1, 8)):
        order = random.choice("<>")
        width, letter = random.choice(((2, "H"), (4, "I"), (8, "Q")))
        values = [value for value in (*EXTREMES, *WIDE_EXTREMES) if value < 256**width]
        at = random.choice(
            (random.randrange(HEADER_BYTES), random.randrange(len(content)), len(content) - 2000)
        )
        at = max(0, min(at, len(content) - width))
        damaged[at : at + width] = struct.pack(order + letter, random.choice(values))[: len(content)]
    return bytes(damaged)


def swap(content: bytes, _: bytes, random: Random) -> bytes:
    """Exchanges two stretches of equal length."""
    length = random.randint(1, max(1, len(content) // 4))
    first, second = sorted(random.randrange(max(1, len(content) - length)) for _number in range(2))
    second = max(second, first + length)
    return (
        content[:first]
        + content[second : second + length]
        + content[first + length : second]
        + content[first : first + length]
        + content[second + length :]
    )


def _stretch(content: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(content))
    return start, min(len(content), start + random.randint(1, max(1, len(content) // 3)))


MUTATIONS: Mapping[str, Mutation] = {
    "bit flips": flip_bits,
    "truncation": truncate,
    "splice": splice,
    "zeroed stretch": zero,
    "doubled stretch": double,
    "header bytes": damage_header,
    "extreme integers": write_extremes,
    "swap": swap,
}
