"""TOML: files read with the line of each key, values written so that they are read back to the bit.

What the keys of a file mean, and what is wrong with them, is not known here.
"""

from perplab.sim.toml_files.reading import line_of, text_of, toml_tables
from perplab.sim.toml_files.writing import toml_key, toml_line, toml_value

__all__ = ["line_of", "text_of", "toml_key", "toml_line", "toml_tables", "toml_value"]
