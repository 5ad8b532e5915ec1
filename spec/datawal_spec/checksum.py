"""The checksum of the format (clauses WIRE-10 and WIRE-11)."""

from crc32c import crc32c

__all__ = ["CHECK_VALUES", "crc32c"]

CHECK_VALUES: dict[bytes, int] = {b"123456789": 0xE3069283, bytes(32): 0x8A9136AA}
"""Published inputs and their CRC-32C (RFC 3720, appendix B.4), to try an implementation on."""
