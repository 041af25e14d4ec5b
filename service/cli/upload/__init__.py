"""Upload files: pack or split them, send, resume after a failure, report the outcomes.

find ──▶ packs ──▶ files ──▶ pack_upload       the files that go together, one pack after another
                              │
                              ├──▶ splitting                        the pieces of a large file
                              ├──▶ resume                           the key of an unfinished upload
                              └──▶ send ──▶ form                    one upload, until its end
                                    └───▶ answers ──▶ sinks         the outcomes of each file
report, summary                                tables, a line of JSON, CSV; the sum of a run
"""
