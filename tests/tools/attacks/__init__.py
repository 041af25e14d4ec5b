"""Attacks on the service: each defined once, for the tests and for the table (``make attacks``).

Every module below that has a list ``ATTACKS`` is part of both; ``attack`` defines an attack.
"""
