"""The pipeline of an import, in the order of the data.

    receive    pipe.py             the event loop writes, the parsing thread reads
    parse      service.formats     in one thread per import, which holds a slot to parse
    batch      batcher.py          projects and refusals, in the order of the file
    schedule   fair_scheduler.py   slots to parse and to write, shared fairly by all imports
    write      writer.py           retries, splits, and waits for contested projects
    commit     transaction.py      one batch: lock, compare, write, store the outcomes
    copy       copy.py             rows into their tables by COPY

``upload_pipeline.py`` connects the stages. Each stage waits for the next one: a slow database fills
the queue of batches, then the pipe, and then the client's socket is not read (back-pressure). The
batches of an atomic import go to ``staged_batches.py``, and ``atomic.py`` writes them at the end.
``memory.py`` returns the memory of large imports to the operating system.
"""
