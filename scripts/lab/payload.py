"""The bytes that the lab's programs send each other: the same for all, and without a short period."""

import functools
import hashlib


@functools.cache
def blob():
    """30 MB. Made on first use, which takes 0.1 s."""
    return hashlib.shake_256(b"slirpnetstack").digest(30_000_000)


def piece(offset, length):
    """`length` bytes (no more than the blob has) at `offset` of the endless stream that repeats the blob."""
    data = blob()
    start = offset % len(data)
    return data[start : start + length] + data[: max(0, start + length - len(data))]


def matches(offset, data):
    """Whether `data` is the part of the stream at `offset`."""
    return data == piece(offset, len(data))
