"""The commands of ``bulk-import``: a file for each command, or for a family of commands.

Every start imports all modules here, so they import slow modules inside functions.
"""
