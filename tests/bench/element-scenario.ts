import type { Client } from 'pg'
import { copyRows } from '../../infra/demo/monolith/copy-rows.ts'
import { MONOLITH_TABLES } from '../../infra/demo/monolith/tables.ts'
import { worldFor } from '../../infra/demo/monolith/world.ts'
import { createKeySql, createTableSql } from '../../infra/service-database/ddl.ts'
import set from './element-contract.ts'
import type { Scenario, SourceSize } from './scenario.ts'
import { withClient } from './servers.ts'

/** Content that is the same in every run. */
const SEED = 1

/** One table, `Element`, as the demonstration's monolith has it, about 400 bytes a row. */
export function elementScenario(rows: number): Scenario {
  return {
    name: 'element',
    title: `${rows.toLocaleString('en-US')} rows of Element`,
    set,
    contracts: 'element-contract',
    replayed: 'element',
    fill: async (url) => await withClient(url, async (client) => await fillElement(client, rows)),
  }
}

async function fillElement(client: Client, rows: number): Promise<SourceSize> {
  const table = MONOLITH_TABLES.find(({ name }) => name === 'Element')
  const [entity] = set.services.flatMap(({ entities }) => entities)
  if (table === undefined || entity === undefined) throw new Error('The generator and the contract have an Element')
  await client.query('BEGIN')
  await client.query(createTableSql(entity))
  const copyBytes = await copyRows(client, table, worldFor({ elements: rows, seed: SEED }), () => {})
  await client.query(createKeySql(entity))
  await client.query('COMMIT')
  await client.query('VACUUM (ANALYZE) "Element"')
  return { rows, copyBytes }
}
