/**
 * What `prepare` made in a service's database beside tables, so that `cancel` removes that and nothing else. A schema
 * by its bare name, a type as `format_type` prints it.
 */
export type CreatedKind = 'schema' | 'type'

export const CREATED_OBJECTS_DDL = `CREATE TABLE IF NOT EXISTS scission.created_object (
     ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     kind text NOT NULL CHECK (kind IN ('schema', 'type')),
     name text NOT NULL,
     UNIQUE (kind, name)
   )`
