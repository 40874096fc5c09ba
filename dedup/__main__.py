"""python -m dedup"""

from .cli import main

if __name__ == "__main__":
    main()
