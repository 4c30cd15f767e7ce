// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import archimodeler from '../../../contracts/archimodeler/contract-set.ts'
import type { ContractSet, Service } from '../../../contracts/language/contract-set.ts'
import { tableOf } from '../../../infra/catalog/catalog.ts'
import { readCatalog } from '../../../infra/catalog/read-catalog.ts'
import { crossReferences, crossReferencesPage } from '../../../infra/export/cross-references.ts'
import { serviceDdl } from '../../../infra/export/service-ddl.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { contractDifferences, structureDifferences } from '../../../infra/service-database/compare-contract.ts'
import { runSql } from '../../command-line/shop.ts'
import hostile from '../../hostile/contract-set.ts'
import { withDatabase } from '../../with-servers.ts'

async function assertDdlMakes(service: Service): Promise<void> {
  await withDatabase(async (url) => {
    await runSql(url, [serviceDdl(service)])
    const target = { title: service.name, variable: 'X', url }
    await withSession(target, { purpose: 'test' }, async (client) => {
      const catalog = await readCatalog(client, service.entities)
      for (const entity of service.entities) {
        const table = tableOf(catalog, entity)
        const differences = [
          ...contractDifferences(entity, table, catalog.enums),
          ...structureDifferences(service, entity, table),
        ]
        assert.equal(differences, [], entity.name)
      }
    })
  })
}

const SETS: readonly ContractSet[] = [archimodeler, hostile]

for (const set of SETS)
  test(`the DDL of each service of ${set.name} makes, in an empty database, what its contract has`, async () => {
    for (const service of set.services) await assertDdlMakes(service)
  })

test('every reference that crosses services is told, with its columns, its condition and what a deletion did', () => {
  const references = crossReferences(archimodeler)
  const foreignKeys = references.filter(({ onDelete }) => onDelete !== null)
  assert.is(foreignKeys.length, 16)
  assert.equal(
    references.find(({ when }) => when?.equals === 'VIEW'),
    {
      from: { service: 'comments', entity: 'CommentThread', table: 'public."CommentThread"', columns: ['targetId'] },
      to: { service: 'modeling', entity: 'View', table: 'public."View"', columns: ['id'] },
      when: { column: 'targetType', equals: 'VIEW' },
      onDelete: null,
    },
  )
  assert.match(
    crossReferencesPage(archimodeler),
    '| `workflow.ChangeRequest` | `reviewerId` | `iam.User` | `id` |  | SET NULL |',
  )
})

test('a page of references stays a table, whatever names are in it', () => {
  const rows = crossReferencesPage(hostile)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  assert.is(rows.length, crossReferences(hostile).length)
  // Seven bars, none of them in a name.
  for (const row of rows) assert.is(row.replaceAll('\\|', '').split('|').length, 8, row)
})

test.run()
