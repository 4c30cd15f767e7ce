import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import type { CatalogReference } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { type Finding, MONOLITH, warningFinding } from '../preflight/finding.ts'
import type { ClaimableTable } from './claimable-tables.ts'
import { RUN_SQL } from './cutover-sql.ts'
import { lostOf, whyUnsaid } from './draft-indexes.ts'
import { whyUnheld } from './draft-references.ts'
import { type HurtContext, nameList } from './hurt-context.ts'
import { informationFinding } from './information-finding.ts'
import { ownReferences } from './monolith-graph.ts'

/** Indexes that a contract cannot say, and those that lose something there. */
export function indexesThatStay({ claimable }: HurtContext): Finding[] {
  return claimable.flatMap(({ id, table, facts, keyIndex }) =>
    table.indexes.flatMap((index) => {
      const name = quoteIdentifier(index.name)
      const about = facts.indexes.get(index.name)
      const unsaid = index === keyIndex ? null : whyUnsaid(index, about)
      const definition = index.constraint?.definition ?? index.definition
      if (unsaid !== null)
        return [
          warningFinding(
            about?.isExclusion === true ? 'exclusion' : 'index',
            id,
            `Index ${name} of table ${id} ${unsaid}, which no contract can say, and is left out: ${definition}.`,
            index.valid ? `${RUN_SQL}, which makes it.` : 'See why it is invalid, and drop it or make it anew.',
          ),
        ]
      const lost = lostOf(index, about)
      if (lost === null || (index === keyIndex && !index.immediate)) return []
      return [
        informationFinding(
          'index',
          id,
          `Index ${name} of table ${id} is drafted without ${lost}: ${definition}.`,
          `${RUN_SQL}, which makes it anew, if it matters.`,
        ),
      ]
    }),
  )
}

/** Foreign keys that no service will have, and those that lose something. */
export function foreignKeysThatStay({ claimable, placement }: HurtContext): Finding[] {
  return claimable.flatMap((table) =>
    ownReferences(table).flatMap((reference) => {
      const target = placement.get(tableSql(reference.to))
      if (target === undefined) return [unclaimedTarget(table, reference)]
      if (target.service !== placement.get(table.id)?.service) return []
      const unheld = whyUnheld(table, reference)
      return unheld === null ? lostByForeignKey(table, reference) : [unheldFinding(table, reference, unheld)]
    }),
  )
}

function title({ id }: ClaimableTable, { name, to }: CatalogReference): string {
  return `Foreign key ${quoteIdentifier(name)} of table ${id} to ${tableSql(to)}`
}

function unclaimedTarget(table: ClaimableTable, reference: CatalogReference): Finding {
  return warningFinding(
    'foreign-key',
    table.id,
    `${title(table, reference)} refers to what no contract claims (a partitioned table, or one that stays behind), and is left out.`,
    'Let the service see to it that what it names exists.',
  )
}

function unheldFinding(table: ClaimableTable, reference: CatalogReference, unheld: string): Finding {
  return warningFinding(
    'foreign-key',
    table.id,
    `${title(table, reference)} ${unheld}, and is left out.`,
    'Clean the rows, validate it in the monolith (ALTER TABLE … VALIDATE CONSTRAINT …), and draft again.',
  )
}

function lostByForeignKey(table: ClaimableTable, reference: CatalogReference): Finding[] {
  const facts = table.facts.foreignKeys.get(reference.name)
  const lost = [
    [reference.deferrable, 'DEFERRABLE'],
    [facts?.matchFull, 'MATCH FULL'],
    [facts?.setsSome, 'the columns of its SET NULL or SET DEFAULT'],
  ].flatMap(([isLost, what]) => (isLost === true ? [String(what)] : []))
  if (lost.length === 0) return []
  return [
    informationFinding(
      'foreign-key',
      table.id,
      `${title(table, reference)} is drafted without ${lost.join(', ')}.`,
      'Make it anew in the service after the cutover, if it matters.',
    ),
  ]
}

/** What a deletion did in other tables stops happening by itself where they are another service's. */
export function deletionsThatCross({ services }: HurtContext): Finding[] {
  return services.flatMap(({ name, entities }) => {
    const crossing = entities.flatMap((entity) =>
      entity.crossReferences.map(({ on, to, onDelete }) => ({
        text: `${entity.name} (${on.join(', ')}) to ${to}, ${onDelete}`,
        isActive: onDelete !== 'NO ACTION' && onDelete !== 'RESTRICT',
      })),
    )
    const active = crossing.filter(({ isActive }) => isActive)
    if (crossing.length === 0) return []
    const what = active.length === 0 ? '' : `; of these ${active.length} did something when the other row was deleted`
    return [
      informationFinding(
        'cross-reference',
        MONOLITH,
        `Service ${name} refers to other services in ${crossing.length} ${crossing.length === 1 ? 'place' : 'places'}, which no foreign key will hold${what}: ${nameList(
          crossing.map(({ text }) => text),
          '; ',
        )}.`,
        'Let the services tell each other of deletions, or move the border between them (--services).',
      ),
    ]
  })
}
