"""Files of compiled code, each with a checksum: a damaged one is compiled anew.

A file is the SHA-256 of its contents followed by the contents, which are verified before anything
else reads them. Like numba's own cache, an index for each function names a file for each signature.
"""

import contextlib
import hashlib
import pathlib
import pickle

from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    NullCache,
    UserProvidedCacheLocator,
)

DIGEST_BYTES = hashlib.sha256().digest_size


def with_digest(contents):
    """Return bytes with their SHA-256 before them."""
    return hashlib.sha256(contents).digest() + contents


def verified(path):
    """Return the contents of a file that `with_digest` made; empty if it is missing or damaged."""
    try:
        stored = memoryview(pathlib.Path(path).read_bytes())
    except OSError:
        return b""
    digest, contents = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
    return contents if hashlib.sha256(contents).digest() == digest else b""


def unpickled(path):
    """Return the object in a file; None if the file is missing, damaged or cannot be read."""
    contents = verified(path)
    with contextlib.suppress(Exception):
        return pickle.loads(contents) if contents else None
    return None


class CodeFile(IndexDataCacheFile):
    """numba's index and data files of one function, with checksums.

    A data file also holds its key, so that an index which another process has just replaced cannot
    pair a signature with the code of another one.
    """

    def save(self, key, data):
        """Save the code of a signature."""
        super().save(key, (key, data))

    def load(self, key):
        """Return the code of a signature; None if there is none or its file is damaged."""
        stored_key, data = super().load(key) or (None, None)
        return data if stored_key == key else None

    def _load_index(self):
        version, stamp, overloads = unpickled(self._index_path) or (None, None, {})
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads):
        self._write(self._index_path, (self._version, self._source_stamp, overloads))

    def _load_data(self, name):
        return unpickled(self._data_path(name))

    def _save_data(self, name, data):
        self._write(self._data_path(name), data)

    def _write(self, path, value):
        with self._open_for_write(path) as file:
            file.write(with_digest(self._dump(value)))


class CodeLocation(CompileResultCacheImpl):
    """The place of a function's files: only below numba's ``CACHE_DIR``."""

    _locator_classes = (UserProvidedCacheLocator,)


class CodeCache(FunctionCache):
    """The stored code of one function; what cannot be read or written counts as absent."""

    _impl_class = CodeLocation

    def __init__(self, function):
        super().__init__(function)
        self._cache_file = CodeFile(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )

    def load_overload(self, signature, target_context):
        """Return the compiled code of a signature; None if it has to be compiled."""
        with contextlib.suppress(Exception):
            return super().load_overload(signature, target_context)
        return None

    def save_overload(self, signature, data):
        """Save compiled code, or do nothing if it cannot be written."""
        with contextlib.suppress(OSError):
            super().save_overload(signature, data)


def store_code(dispatcher):
    """Give a numba dispatcher its `CodeCache`; without a folder to write its code is not stored."""
    try:
        dispatcher._cache = CodeCache(dispatcher.py_func)
    except RuntimeError:
        dispatcher._cache = NullCache()
    return dispatcher
