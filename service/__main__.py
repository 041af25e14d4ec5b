"""``python -m service`` is ``bulk-import``."""

from service.cli import main

if __name__ == "__main__":
    main()
