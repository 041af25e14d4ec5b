-- name: lock
-- Waits for an exclusive lock, up to the transaction's lock_timeout.
SELECT pg_advisory_xact_lock($1)

-- name: lock_within
-- Waits for an exclusive lock up to $2.
SELECT set_config('lock_timeout', $2, true), pg_advisory_xact_lock($1)

-- name: try_lock_import
-- Tries the exclusive lock of an import, and limits later waits in the transaction to $2, and its idle
-- time to $3: a process that stops in this transaction holds the import no longer than that.
SELECT pg_try_advisory_xact_lock($1) AS is_held, set_config('lock_timeout', $2, true),
       set_config('idle_in_transaction_session_timeout', $3, true),
       EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS has_citus

-- name: try_lock
-- Tries an exclusive lock and never waits: writers would queue after a waiting exclusive lock.
SELECT pg_try_advisory_xact_lock($1)

-- name: try_prune
-- Tries the lock of the process that prunes, for one small transaction. The planner settings keep
-- every look-up on its whole key, whatever the statistics: an ORDER BY then selects the index that has
-- that order, because nothing else can sort.
SELECT pg_try_advisory_xact_lock($1),
       set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true),
       set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true),
       set_config('enable_material', 'off', true),
       set_config('jit', 'off', true)

-- name: share
SELECT pg_advisory_xact_lock_shared($1)

-- name: is_attempt
SELECT true FROM imports WHERE client_id = $1 AND import_id = $2 AND attempt = $3

-- name: terminate_holders
-- Terminates the backends that share the key $1 of an import, which are its batches. No time-out ends a
-- process that stopped within a COPY. A backend that holds the key exclusively ends the import or takes
-- it over, and needs a moment only. A backend that waits for a synchronous standby is spared: it would
-- publish a commit that a fail-over loses. pg_locks shows a 64-bit key as two unsigned halves.
SELECT pg_terminate_backend(pid)
  FROM pg_locks
 WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid <> pg_backend_pid()
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (classid::bigint << 32) | objid::bigint = $1 AND mode = 'ShareLock'
   AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = pg_locks.pid AND a.wait_event = 'SyncRep')

-- name: terminate_lost
-- Terminates the backend that holds the key $1 of some work and waits for bytes of the service, whose
-- connection is lost. A backend that is committing waits for something else, and is spared.
SELECT pg_terminate_backend(l.pid)
  FROM pg_locks l
  JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32) | l.objid::bigint = $1 AND a.wait_event = 'ClientRead'

-- name: find_holder
-- Returns which of the import keys $2 is shared by the backend that holds the project key $1.
WITH advisory AS (
    SELECT pid, mode, (classid::bigint << 32) | objid::bigint AS key
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT i.key
  FROM advisory p
  JOIN advisory i USING (pid)
 WHERE p.key = $1 AND p.mode = 'ExclusiveLock'
   AND i.key = ANY ($2::bigint[]) AND i.mode = 'ShareLock'
 LIMIT 1
