-- name: notify
-- Sends the payloads $2 at the commit. All commits that notify wait for one lock of the database, for $3
-- at most. A listener that stays in a transaction fills the queue of notifications, and a full queue
-- would fail the commit: a queue that is nearly full gets no more of them. Returns how many it got.
SELECT (SELECT count(pg_notify($1, n.payload))
          FROM unnest($2::text[]) AS n (payload)
         WHERE pg_notification_queue_usage() < 0.9) AS sent,
       set_config('lock_timeout', $3, true)
