"""How many examples a property test tries: a fifth of them in a default run, all with `-m slow`.

`pytest_configure` in conftest.py sets `thorough` before any test module is imported.
"""

from hypothesis import settings

thorough = False


def examples(most: int, **given) -> settings:
    """Return the settings of a property test that tries so many examples with `-m slow`."""
    return settings(max_examples=most if thorough else max(5, most // 5), **given)
