"""Citus: the tables on several nodes, and what its commits in two phases need."""
