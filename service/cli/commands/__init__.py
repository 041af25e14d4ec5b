"""The commands of ``bulk-import``, one file each, or one file for a family.

A module here is imported at every start, so it imports what is slow inside its functions.
"""
