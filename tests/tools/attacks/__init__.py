"""Attacks on the service: each defined once, for the tests and for the table (``make attacks``).

Every module here that has a list ``ATTACKS`` is part of both; ``attack`` says what an attack is.
"""
