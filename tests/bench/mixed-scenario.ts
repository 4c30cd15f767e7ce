import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import set from './mixed-contract.ts'
import type { Scenario, SourceSize } from './scenario.ts'
import { withClient } from './servers.ts'

/** Content that is the same in every run. */
const SEED = 1

/** The whole monolith of the demonstration, which we split into ten databases and the others copy into one. */
export function mixedScenario(elements: number): Scenario {
  return {
    name: 'mixed',
    title: `a whole monolith of ${elements.toLocaleString('en-US')} elements`,
    set,
    contracts: 'mixed-contract',
    replayed: 'modeling',
    fill: async (url) => await fillMonolith(url, elements),
  }
}

async function fillMonolith(url: string, elements: number): Promise<SourceSize> {
  const { rows, bytes } = await generateMonolith(url, { elements, seed: SEED })
  await keepWhatAllCopy(url)
  const copied = Object.entries(rows).filter(([table]) => !set.leftBehind.includes(table))
  return { rows: copied.reduce((sum, [, count]) => sum + count, 0), copyBytes: bytes }
}

interface ForeignKey {
  readonly name: string
  readonly from: string
  readonly to: string
}

/** The others would otherwise do more than we: check foreign keys that cross services, and copy what is left behind. */
async function keepWhatAllCopy(url: string): Promise<void> {
  const serviceOf = new Map(set.services.flatMap(({ name, entities }) => entities.map(({ table }) => [table, name])))
  await withClient(url, async (client) => {
    const { rows } = await client.query<ForeignKey>(`
      SELECT conname AS name, f.relname AS from, t.relname AS to
      FROM pg_constraint JOIN pg_class f ON f.oid = conrelid JOIN pg_class t ON t.oid = confrelid WHERE contype = 'f'
    `)
    for (const { name, from, to } of rows)
      if (serviceOf.get(from) !== serviceOf.get(to))
        await client.query(`ALTER TABLE ${quoteIdentifier(from)} DROP CONSTRAINT ${quoteIdentifier(name)}`)
    for (const table of set.leftBehind) await client.query(`DROP TABLE ${quoteIdentifier(table)}`)
    await client.query('VACUUM (ANALYZE)')
  })
}
