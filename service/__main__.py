"""``python -m service`` is ``bulk-import``."""

from service.cli.main import main

if __name__ == "__main__":
    main()
