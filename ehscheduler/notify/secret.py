"""A value that is never shown."""


class Secret:
    """Holds a key or an address that lets its holder in; only `reveal` gives it away."""

    __slots__ = ("_held",)

    def __init__(self, held: str) -> None:
        self._held = held

    def reveal(self) -> str:
        """Return what is held, for the one who needs it on the wire."""
        return self._held

    def __bool__(self) -> bool:
        return bool(self._held)

    def __repr__(self) -> str:
        return "Secret(...)" if self._held else "Secret()"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")
