"""Serve the HTTP API, in this process (``site``) or in several (``supervisor``)."""
