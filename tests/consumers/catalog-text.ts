/**
 * Everything that a database's catalog says of what is in its schema `public`, as texts that name no oid: what a service
 * has made itself must read the same before and after its tables were loaded.
 */
export const CATALOG_TEXT = `
  SELECT text FROM (
    SELECT format('relation %s %s %s owner %s acl %s options %s replica identity %s space %s security %s %s',
             c.relkind, c.oid::regclass, c.relpersistence, pg_get_userbyid(c.relowner), c.relacl, c.reloptions,
             c.relreplident, (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace), c.relrowsecurity,
             c.relforcerowsecurity) AS text
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('index %s flags %s %s %s %s %s %s %s', pg_get_indexdef(indexrelid), indisunique, indisprimary,
             indisexclusion, indimmediate, indisclustered, indisvalid, indisreplident)
      FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('constraint %s of %s: %s flags %s %s %s index %s', conname, conrelid::regclass,
             pg_get_constraintdef(oid), condeferrable, condeferred, convalidated, conindid::regclass)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('column %s.%s %s not null %s statistics %s default %s options %s %s', attrelid::regclass, attnum,
             format_type(atttypid, atttypmod), attnotnull, attstattarget, pg_get_expr(adbin, adrelid), attoptions, attidentity)
      FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE c.relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL
    SELECT format('comment on %s: %s', pg_describe_object(classoid, objoid, objsubid), description)
      FROM pg_description WHERE objoid >= 16384
    UNION ALL
    SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), tgenabled)
      FROM pg_trigger t WHERE NOT tgisinternal
    UNION ALL SELECT format('rule %s enabled %s', pg_get_ruledef(oid), ev_enabled) FROM pg_rewrite WHERE oid >= 16384
    UNION ALL
    SELECT format('policy %s on %s: %s', polname, polrelid::regclass, pg_get_expr(polqual, polrelid)) FROM pg_policy
    UNION ALL
    SELECT format('publication %s of %s: %s %s', p.pubname, prrelid::regclass,
             to_jsonb(r) ->> 'prattrs', to_jsonb(r) ->> 'prqual')
      FROM pg_publication_rel r JOIN pg_publication p ON p.oid = prpubid
    UNION ALL SELECT format('statistics %s', pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext
    UNION ALL
    SELECT format('function %s', pg_get_functiondef(oid)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  ) AS texts ORDER BY text COLLATE "C"`
