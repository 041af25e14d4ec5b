"""Upload files: split them, send the pieces, resume after a failure, report the outcomes.

files ──▶ scan ──▶ allocator ──▶ split        the pieces of a file
  │
  ├────▶ resume                                the idempotency key of an unfinished upload
  └────▶ send ──▶ piece_file                   one piece, until its outcomes are known
           └───▶ report                        tables, a line of JSON, CSV
"""
