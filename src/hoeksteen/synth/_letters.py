"""Letters that old systems do not know, and what they make of them."""

import unicodedata
from functools import lru_cache

# letters that have no decomposition into a base letter and an accent
_BASE_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ı": "i", "ø": "o", "Ø": "O", "đ": "d", "ß": "ss"})


@lru_cache(maxsize=200_000)
def base_letters(text: str) -> str:
    """Give the text without accents, for systems that know none."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text.translate(_BASE_LETTERS)) if not unicodedata.combining(letter))


@lru_cache(maxsize=200_000)
def latin_letters(text: str) -> str:
    """Give the text in Latin-1: letters outside it become their base letter."""
    return "".join(letter if ord(letter) < 256 else base_letters(letter) for letter in text)
