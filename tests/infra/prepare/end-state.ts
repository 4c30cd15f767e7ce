import { connect } from 'nats'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { values } from '../preflight/shop.ts'

/** Everything that `prepare` and `cancel` may change, in a form in which two states can be compared. */
export interface EndState {
  readonly monolith: readonly (string | null)[]
  readonly services: readonly (readonly (string | null)[])[]
  readonly streams: readonly string[]
}

/** Read by queries of its own, which share nothing with the code that is tested. */
export async function readEndState(deployment: Deployment): Promise<EndState> {
  const services: (string | null)[][] = []
  for (const { database } of deployment.services) services.push(await values(database.url, OBJECTS))
  return {
    monolith: [...(await values(deployment.monolith.url, OBJECTS)), ...(await replicationOf(deployment))],
    services,
    streams: await readStreams(deployment),
  }
}

/** Tables with columns, indexes with their definitions, constraints, types, schemas, and what Scission's tables hold; PostgreSQL's own have lower oids. */
const OBJECTS = `
  SELECT line FROM (
    SELECT format('table %I.%I %s %s', n.nspname, c.relname, c.relkind, c.relreplident) ||
           coalesce((SELECT string_agg(format(' %I %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull), ',' ORDER BY a.attnum)
                       FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'S') AND c.oid >= 16384
    UNION ALL
    SELECT pg_get_indexdef(i.indexrelid) || ' ' || i.indisreplident || i.indisvalid FROM pg_index i
      JOIN pg_class c ON c.oid = i.indrelid AND c.relkind = 'r' AND c.oid >= 16384
    UNION ALL
    SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE oid >= 16384
    UNION ALL
    SELECT format('type %s %s', t.oid::regtype, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
      FROM pg_type t WHERE t.typtype IN ('e', 'd') AND t.oid >= 16384
    UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_temp|^pg_toast_temp'
    UNION ALL SELECT 'extension ' || extname FROM pg_extension
    UNION ALL
    SELECT format('%s: %s', c.oid::regclass, query_to_xml(format('SELECT * FROM %s ORDER BY 1, 2', c.oid::regclass), true, false, ''))
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'scission' AND c.relkind = 'r'
  ) AS lines (line)
  ORDER BY line COLLATE "C"`

async function replicationOf({ monolith: { url }, prefix }: Deployment): Promise<(string | null)[]> {
  return [
    ...(await values(
      url,
      `SELECT format('%s %s %s', p.pubname, pr.prrelid::regclass, p.pubtruncate) FROM pg_publication p
                             LEFT JOIN pg_publication_rel pr ON pr.prpubid = p.oid ORDER BY format('%s %s', p.pubname, pr.prrelid::regclass) COLLATE "C"`,
    )),
    ...(await values(url, `SELECT slot_name::text FROM pg_replication_slots WHERE slot_name = 'scission_${prefix}'`)),
  ]
}

async function readStreams({ nats, prefix }: Deployment): Promise<string[]> {
  const { host, username, password } = new URL(nats.url)
  const connection = await connect({ servers: host, user: username, pass: decodeURIComponent(password) })
  try {
    const manager = await connection.jetstreamManager()
    const streams: string[] = []
    for await (const { config } of manager.streams.list(`${prefix}.>`)) streams.push(JSON.stringify(config))
    return streams.toSorted()
  } finally {
    await connection.close()
  }
}

/** The same state without when it was written, which differs between two ways to it. */
export function timeless(state: EndState): EndState {
  const strip = (line: string | null): string | null =>
    line
      ?.replaceAll(/<(changed_at|prepared_at|recorded_at)>[^<]*<\/\1>/g, '')
      .replaceAll(/<ordinal>[^<]*<\/ordinal>/g, '') ?? null
  return { ...state, monolith: state.monolith.map(strip), services: state.services.map((lines) => lines.map(strip)) }
}
