-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- As many digits as imports accept. P6 writes up to 17, and exponents of three.
CREATE OR REPLACE FUNCTION plan_number(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) ~ '^[+-]?([0-9]{1,15}([.][0-9]{0,20})?|[.][0-9]{1,20})([eE][+-]?0?[0-9]{1,2})?$'
    THEN btrim(value)::numeric
END;

CREATE OR REPLACE FUNCTION plan_hours(value text) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) ~ '^[+-]?([0-9]{1,9}([.][0-9]{0,20})?|[.][0-9]{1,20})([eE]-0?[0-9]{1,2})?$'
    THEN interval '1 hour' * btrim(value)::double precision
END;

-- migrate:down

SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION plan_number(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) ~ '^[+-]?([0-9]{1,15}([.][0-9]{0,12})?|[.][0-9]{1,12})([eE][+-]?[0-9]{1,2})?$'
    THEN btrim(value)::numeric
END;

CREATE OR REPLACE FUNCTION plan_hours(value text) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) ~ '^[+-]?([0-9]{1,9}([.][0-9]{0,12})?|[.][0-9]{1,12})$'
    THEN interval '1 hour' * btrim(value)::double precision
END;
