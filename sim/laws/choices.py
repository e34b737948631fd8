"""Names and codes of a law, both from its enum: what a rulebook states and what a record holds."""

import enum


class Choice(enum.IntEnum):
    """The variants of a law.

    A rulebook states a member's name in lower case, a record its number.
    """

    @classmethod
    def names(cls):
        """Return the names that a rulebook may state, in the order of the codes.

        Examples
        --------
        >>> Choice("Mode", ["BAND", "DEAD_BAND"], start=0).names()
        ('band', 'dead_band')
        """
        return tuple(member.name.lower() for member in cls)

    @classmethod
    def code(cls, name):
        """Return the code of a name as a plain integer.

        Examples
        --------
        >>> Choice("Mode", ["BAND", "DEAD_BAND"], start=0).code("dead_band")
        1
        """
        return int(cls[name.upper()])
