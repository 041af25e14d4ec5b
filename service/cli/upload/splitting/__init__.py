"""Split a large file between its projects into pieces that are complete files.

split_file ─┬▶ xml_scan ──▶ allocator ─┬▶ pieces ──▶ piece_file     the bytes of a piece
            └▶ xer_scan ──▶ xer_runs ──┘
"""
