-- What an owner may have and a contract cannot say: each once, by names that tell what it is.

CREATE SCHEMA other;
CREATE EXTENSION hstore SCHEMA other;
CREATE EXTENSION pg_trgm SCHEMA other;
CREATE EXTENSION "uuid-ossp" SCHEMA other;
CREATE EXTENSION file_fdw SCHEMA other;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;

CREATE FUNCTION own_default() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'x' $$;
CREATE FUNCTION own_check(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 <> '' $$;
CREATE DOMAIN checked AS text CONSTRAINT own CHECK (own_check(VALUE)) CONSTRAINT short CHECK (length(VALUE) < 100);
CREATE DOMAIN listed AS checked[] DEFAULT '{}';
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE nested AS (feeling mood, words listed, place text COLLATE "C");
CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = other.many_floats);
CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE TABLE defaults (
  id uuid PRIMARY KEY DEFAULT other.uuid_generate_v4(),
  own text DEFAULT own_default(),
  feeling text DEFAULT 'good'::mood::text,
  plain text DEFAULT 'it''s'
);
CREATE TABLE types (
  id integer PRIMARY KEY,
  nested nested,
  nesteds nested[],
  pairs other.hstore,
  span float_range,
  spans other.many_floats,
  whole defaults,
  blind text COLLATE blind,
  object oid
);
CREATE TABLE generated (id integer PRIMARY KEY, name text, own text GENERATED ALWAYS AS (own_default() || name) STORED);

CREATE TABLE no_key (id integer NOT NULL, note text);
CREATE TABLE nullable_key (id integer UNIQUE);
CREATE TABLE generated_key (a integer NOT NULL, b integer GENERATED ALWAYS AS (a) STORED NOT NULL UNIQUE);
CREATE UNLOGGED TABLE cache (id integer PRIMARY KEY);
CREATE FOREIGN TABLE file (line text) SERVER files OPTIONS (filename '/dev/null');
CREATE TABLE migrations (id serial PRIMARY KEY, name text);
CREATE TABLE several_keys (a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, UNIQUE (a, b));
CREATE UNIQUE INDEX the_key ON several_keys (c);

CREATE TABLE measured (at date NOT NULL, value integer, PRIMARY KEY (at)) PARTITION BY RANGE (at);
CREATE TABLE measured_2023 PARTITION OF measured FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE measured_2024 PARTITION OF measured FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE about_measured (id integer PRIMARY KEY, at date REFERENCES measured);

CREATE TABLE parents (a integer NOT NULL, b integer NOT NULL, code text UNIQUE, PRIMARY KEY (a, b));
CREATE TABLE children (
  id integer PRIMARY KEY,
  b integer,
  a integer,
  code text CONSTRAINT by_code REFERENCES parents (code) DEFERRABLE,
  nobody integer CONSTRAINT to_nobody REFERENCES nullable_key (id),
  CONSTRAINT swapped FOREIGN KEY (b, a) REFERENCES parents (b, a) MATCH FULL ON UPDATE CASCADE
);
ALTER TABLE children ADD CONSTRAINT unproven FOREIGN KEY (code) REFERENCES parents (code) NOT VALID;
ALTER TABLE children ADD CONSTRAINT positive CHECK (id > 0);

CREATE TABLE bookings (room integer NOT NULL, during tsrange NOT NULL, id integer PRIMARY KEY,
  CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&));
CREATE TABLE indexed (id integer PRIMARY KEY, a text, b text, c integer UNIQUE DEFERRABLE);
CREATE INDEX partly ON indexed (a) WHERE b IS NULL;
CREATE UNIQUE INDEX once ON indexed (lower(a));
CREATE INDEX alike ON indexed USING gin (a other.gin_trgm_ops);
CREATE INDEX pattern ON indexed (a text_pattern_ops);
CREATE INDEX newest ON indexed (b DESC, a);
CREATE INDEX covering ON indexed (b) INCLUDE (a);
CREATE INDEX plain ON indexed (b, a);
CREATE UNIQUE INDEX pair ON indexed (a, b);

CREATE SEQUENCE free_sequence;
CREATE TABLE numbered (id integer PRIMARY KEY DEFAULT nextval('free_sequence'), odd bigint GENERATED ALWAYS AS IDENTITY (INCREMENT BY 2));
CREATE TABLE guarded (id integer PRIMARY KEY);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON guarded USING (true);
CREATE TABLE other.guarded (id integer PRIMARY KEY, "line
break */ //" text);
CREATE VIEW shown AS SELECT 1 AS one;
