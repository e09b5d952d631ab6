"""AES-128 as HLS uses it: CBC over a whole segment, PKCS7 padding at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.adapters.fetch_errors import FetchFailed

KEY_BYTES = 16


def decrypted(pieces: Iterable[bytes], key: bytes, iv: bytes) -> Iterator[bytes]:
    """Give a segment in clear while it comes; raise FetchFailed where key or padding is wrong."""
    # Imported here: most streams are not encrypted, and it takes longer to load than all else of ours.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415
    from cryptography.hazmat.primitives.padding import PKCS7  # noqa: PLC0415

    if len(key) != KEY_BYTES or len(iv) != KEY_BYTES:
        raise FetchFailed("its key is not one of AES-128")
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padding = PKCS7(KEY_BYTES * 8).unpadder()
    try:
        for piece in pieces:
            yield padding.update(cipher.update(piece))
        yield padding.update(cipher.finalize()) + padding.finalize()
    except ValueError as error:
        raise FetchFailed("its segments cannot be decrypted with the key that it names") from error
