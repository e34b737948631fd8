"""Numbers of a column: exactly those that a file states, and none where it states none."""

import re

import numpy as np
import pyarrow
import pyarrow.compute as pc

PATTERN = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
NUMBER = re.compile(PATTERN)
MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "<NA>", "null", "NULL", "None")
LONGEST = 400


def parse_numbers(column):
    """Return the numbers of a column of a file.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Numbers, or texts: digits with an optional sign, point and exponent. Percent signs,
        thousands separators, decimal commas, units, infinity and booleans are no numbers.

    Returns
    -------
    values : numpy.ndarray of float
        Each the double nearest to what the file states; NaN where there is no number.
    missing : numpy.ndarray of bool
        Where the file states that there is none: an empty value, NaN, null.

    Examples
    --------
    >>> values, missing = parse_numbers(pyarrow.chunked_array([["1.5", "", "3%", "1,000"]]))
    >>> values.tolist(), missing.tolist()
    ([1.5, nan, nan, nan], [False, True, False, False])
    """
    if pyarrow.types.is_integer(column.type) or pyarrow.types.is_floating(column.type):
        values = pc.cast(column, pyarrow.float64(), safe=False).to_numpy()
        return values.astype(float), np.isnan(values)
    texts = texts_of(column)
    missing = mask(pc.is_in(texts, pyarrow.array(MISSING)))
    sound = mask(pc.match_substring_regex(texts, f"^{PATTERN}$"))
    sound &= mask(pc.less_equal(pc.binary_length(texts), LONGEST))
    values = np.full(len(texts), np.nan)
    values[sound] = [float(text) for text in texts.filter(pyarrow.array(sound)).to_pylist()]
    return values, missing


def texts_of(column):
    """Return a column as trimmed texts, "" for null and "?" for what has no text."""
    try:
        texts = pc.utf8_trim_whitespace(pc.cast(column, pyarrow.string()))
    except pyarrow.ArrowException:
        return pyarrow.array(["?"] * len(column), pyarrow.string())
    texts = pc.fill_null(texts, "")
    return texts.combine_chunks() if isinstance(texts, pyarrow.ChunkedArray) else texts


def mask(flags):
    """Return flags of pyarrow as a numpy mask."""
    return np.array(flags.to_numpy(zero_copy_only=False), bool)
