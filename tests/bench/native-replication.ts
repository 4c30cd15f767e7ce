import type { Client } from 'pg'
import type { Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import type { EmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { createIndexSql, createKeySql, createTableSql } from '../../infra/service-database/ddl.ts'
import { databaseUrl, SOURCE_DATABASE, withClient } from './servers.ts'

/** PostgreSQL's own logical replication, with a publication and a subscription for each service. Manual: "Logical Replication". */
export class NativeReplication {
  readonly #postgres: EmbeddedPostgres
  readonly #services: readonly Service[]
  readonly #databaseOf: (service: string) => string

  constructor(postgres: EmbeddedPostgres, services: readonly Service[], databaseOf: (service: string) => string) {
    this.#postgres = postgres
    this.#services = services
    this.#databaseOf = databaseOf
  }

  /** Makes the tables, and copies their rows; returns when all follow. */
  async begin(): Promise<void> {
    for (const service of this.#services) await this.#subscribe(service)
    for (const { name } of this.#services)
      await withClient(this.urlOf(name), async (client) => {
        for (;;) {
          const { rows } = await client.query<{ left: string }>(
            `SELECT count(*)::text AS left FROM pg_subscription_rel WHERE srsubstate <> 'r'`,
          )
          if (rows[0]?.left === '0') return
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      })
  }

  async pause(): Promise<void> {
    await this.#eachSubscription('DISABLE')
  }

  async goOn(): Promise<void> {
    await this.#eachSubscription('ENABLE')
  }

  /** Where the last transaction begins to be behind that is applied, of each service. */
  async position(client: Client, service: string): Promise<bigint> {
    const { rows } = await client.query<{ lsn: string | null }>(
      `SELECT (max(remote_lsn) - '0/0'::pg_lsn)::text AS lsn FROM pg_replication_origin_status
         JOIN pg_subscription ON external_id = 'pg_' || oid WHERE subname = $1`,
      [nameOf(service)],
    )
    return BigInt(rows[0]?.lsn ?? 0)
  }

  async end(): Promise<void> {
    for (const { name } of this.#services) {
      await withClient(this.urlOf(name), async (client) => {
        await client.query(`ALTER SUBSCRIPTION ${nameOf(name)} DISABLE`)
        await client.query(`ALTER SUBSCRIPTION ${nameOf(name)} SET (slot_name = NONE)`)
        await client.query(`DROP SUBSCRIPTION ${nameOf(name)}`)
      })
      await this.#inSource(async (run) => {
        await run(
          `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = ${quoteLiteral(nameOf(name))} AND active`,
        )
        await new Promise((resolve) => setTimeout(resolve, 300))
        await run(`SELECT pg_drop_replication_slot(${quoteLiteral(nameOf(name))})`)
        await run(`DROP PUBLICATION ${nameOf(name)}`)
      })
    }
  }

  urlOf(service: string): string {
    return databaseUrl(this.#postgres, this.#databaseOf(service))
  }

  async #subscribe({ name, entities, types }: Service): Promise<void> {
    await this.#inSource(async (run) => {
      // Without it the application's own deletes would fail from here on.
      for (const entity of entities)
        if (entity.keyAs === 'unique index')
          await run(`ALTER TABLE ${tableSql(entity)} REPLICA IDENTITY USING INDEX ${quoteIdentifier(entity.keyName)}`)
      await run(`CREATE PUBLICATION ${nameOf(name)} FOR TABLE ${entities.map(tableSql).join(', ')}`)
      // Of one server, the subscription cannot make it itself: it would wait for its own transaction.
      await run(`SELECT pg_create_logical_replication_slot(${quoteLiteral(nameOf(name))}, 'pgoutput')`)
    })
    await withClient(this.urlOf(name), async (client) => {
      for (const type of types) await client.query(type.create)
      for (const entity of entities) {
        await client.query(createTableSql(entity))
        await client.query(createKeySql(entity))
        for (const index of entity.indexes) await client.query(createIndexSql(entity, index))
        if (entity.keyAs === 'unique index')
          await client.query(
            `ALTER TABLE ${tableSql(entity)} REPLICA IDENTITY USING INDEX ${quoteIdentifier(entity.keyName)}`,
          )
      }
      await client.query(
        `CREATE SUBSCRIPTION ${nameOf(name)} CONNECTION ${quoteLiteral(databaseUrl(this.#postgres, SOURCE_DATABASE))}
           PUBLICATION ${nameOf(name)} WITH (create_slot = false, slot_name = ${nameOf(name)})`,
      )
    })
  }

  async #eachSubscription(action: 'ENABLE' | 'DISABLE'): Promise<void> {
    for (const { name } of this.#services)
      await withClient(this.urlOf(name), async (client) => {
        await client.query(`ALTER SUBSCRIPTION ${nameOf(name)} ${action}`)
      })
  }

  async #inSource(action: (run: (sql: string) => Promise<unknown>) => Promise<void>): Promise<void> {
    await withClient(databaseUrl(this.#postgres, SOURCE_DATABASE), async (client) => {
      await action(async (sql) => await client.query(sql))
    })
  }
}

function nameOf(service: string): string {
  return `native_${service}`
}
