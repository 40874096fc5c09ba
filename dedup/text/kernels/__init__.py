"""Compiled twins of the definitions in `text` (numba, without the interpreter's lock).

Each function here equals a plain definition bit for bit; `tests/text/test_kernels.py` compares them.
Arrays are C-contiguous; texts are UTF-8 in one uint8 buffer, text i being `buffer[starts[i]:starts[i+1]]`.
"""

from .damage import ALPHABET, AS_A_WHOLE, MOJIBAKE, once_encoded, signs_of_damage
from .features import sign_texts
from .letters import characters_of_letters, letters_of_texts
from .utf8 import SEGMENT, joined
from .whitespace import spaces_joined

__all__ = [
    "ALPHABET",
    "AS_A_WHOLE",
    "MOJIBAKE",
    "SEGMENT",
    "characters_of_letters",
    "joined",
    "letters_of_texts",
    "once_encoded",
    "sign_texts",
    "signs_of_damage",
    "spaces_joined",
]
