"""The command ``bulk-import``: see ``main``."""
