-- name: share_client
-- Configures a transaction, and takes the lock of its work, if it has one, and then the locks that every
-- writer shares: its import, if it has one, and its client. One message has all these statements, and
-- BEGIN if they open the transaction; so the values are literals. Each call of a lock waits up to
-- lock_timeout. The try form would starve: an exclusive lock got no turn in 15 s. The idle time is
-- limited so that the server ends a transaction whose process has stopped before its lease expires. The
-- planner settings keep every look-up on its whole key: statistics lag after a first import, and a plan
-- from when the tables were small reads all projects of the client. An ORDER BY selects the index that
-- has that order, because nothing else can sort. Only settings that are local to the transaction work
-- through PgBouncer. Citus would send a SET LOCAL, and with it the other statements of the message, to
-- its workers, so that their sessions took the locks too.
SELECT set_config('lock_timeout', '{lock_timeout}', true),
       set_config('idle_in_transaction_session_timeout', {idle_timeout}, true),
       set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('enable_seqscan', 'off', true),
       set_config('enable_sort', 'off', true),
       set_config('jit', 'off', true);
SELECT {locks}

-- name: begin_group
-- Begins the transaction of a group of small imports, and takes their locks, in one message. A lock that
-- is not free ends the transaction at once, and the imports that need it take the long way, which waits
-- for it. Later waits, of a table that grows or of another upload with the same key, are short too. The
-- planner settings are those of share_client, but plans are kept: they depend on no parameter.
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config('lock_timeout', '1ms', true),
       set_config('idle_in_transaction_session_timeout', '5s', true),
       set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('enable_seqscan', 'off', true),
       set_config('enable_sort', 'off', true),
       set_config('jit', 'off', true);
SELECT {locks};
SELECT set_config('lock_timeout', '200ms', true)
