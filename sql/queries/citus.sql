-- name: has_citus
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')

-- name: is_distributed
-- Fails without Citus.
SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('clients'))

-- name: list_prepared
-- Lists the transactions of Citus that are between their two phases on the node of client $1. The
-- coordinator has reported them as committed, or its session was lost; nobody sees their rows yet.
SELECT p.gid, p.prepared
  FROM clients c
 CROSS JOIN pg_prepared_xact() AS p
 WHERE c.client_id = $1 AND p.gid LIKE 'citus%'

-- name: limit_timeout
SELECT set_config('citus.node_connection_timeout', $1, true)

-- name: find_lost_nodes
-- The nodes of a Citus cluster, beside this one, that have shards and answer no query within
-- citus.node_connection_timeout. Connects to all at the same time. pg_dist_placement has the nodes of
-- shards; a copy of a reference table is a placement too.
SELECT string_agg(node_name || ':' || node_port, ', ' ORDER BY node_name, node_port)
  FROM (SELECT array_agg(nodename) AS names, array_agg(nodeport) AS ports,
               array_agg('SELECT 1'::text) AS commands
          FROM pg_dist_node
         WHERE noderole = 'primary'
           AND groupid <> (SELECT groupid FROM pg_dist_local_group)
           AND groupid IN (SELECT groupid FROM pg_dist_placement)) AS n,
       master_run_on_worker(n.names, n.ports, n.commands, true)
 WHERE NOT success

-- name: fetch_from_nodes
-- Has each node of a Citus cluster run the query $1 on its own shards of the tables $2, and returns its
-- results as an array. The query returns one bigint. It reads the tables by their names, so each becomes
-- a CTE of all its shards on the node. Connects to all nodes at the same time, as find_lost_nodes does.
WITH shards AS (
    SELECT p.groupid, c.relname,
           string_agg('SELECT * FROM ' || shard_name(s.logicalrelid, s.shardid), ' UNION ALL ') AS rows
      FROM unnest($2::text[]) AS t (name)
      JOIN pg_dist_shard s ON s.logicalrelid = t.name::regclass
      JOIN pg_class c ON c.oid = s.logicalrelid
      JOIN pg_dist_placement p USING (shardid)
     GROUP BY p.groupid, c.relname
), commands AS (
    SELECT n.nodename, n.nodeport,
           format('WITH %s SELECT array_agg(q) FROM (%s) AS q (q)',
                  string_agg(format('%I AS (%s)', s.relname, s.rows), ', '), $1::text) AS command
      FROM shards s
      JOIN pg_dist_node n USING (groupid)
     WHERE n.noderole = 'primary'
     GROUP BY n.nodename, n.nodeport
)
SELECT r.node_name || ':' || r.node_port AS node, r.success, r.result
  FROM (SELECT array_agg(nodename) AS names, array_agg(nodeport) AS ports,
               array_agg(command) AS commands
          FROM commands) AS n,
       master_run_on_worker(n.names, n.ports, n.commands, true) AS r
