import { unreachable } from '../../contracts/failure.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { type Finding, MONOLITH, warningFinding } from '../preflight/finding.ts'
import type { UnclaimedTable } from './claimable-tables.ts'
import { RUN_SQL } from './cutover-sql.ts'
import { type HurtContext, nameList } from './hurt-context.ts'
import { informationFinding } from './information-finding.ts'

/** So many of the largest tables are named. */
const LARGEST = 5

const BYTES_PER_MEGABYTE = 1_000_000

export function tablesLeftBehind({ unclaimed }: HurtContext): Finding[] {
  return unclaimed.map(leftFinding)
}

function leftFinding({ id, why }: UnclaimedTable): Finding {
  switch (why) {
    case 'no key':
      return warningFinding(
        'no-key',
        id,
        `Table ${id} has neither a primary key nor a unique index over columns that are never null: nothing tells its rows apart, so the draft leaves it behind WITH ALL ITS ROWS.`,
        `Give it a key, for example ALTER TABLE ${id} ADD COLUMN row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, and draft again; or let it stay behind, if nobody needs its rows.`,
      )
    case 'foreign':
      return warningFinding(
        'foreign-table',
        id,
        `Table ${id} is a foreign table: its rows are in another server, so the draft leaves it behind.`,
        'Copy its rows into an ordinary table and draft again, or let the service ask that server itself.',
      )
    case 'unlogged':
      return warningFinding(
        'unlogged-table',
        id,
        `Table ${id} is unlogged: its changes are not in the WAL, so the draft takes it for a cache and leaves it behind WITH ALL ITS ROWS.`,
        `Let it stay behind; or, if its rows matter, ALTER TABLE ${id} SET LOGGED and draft again.`,
      )
    case 'bookkeeping':
      return informationFinding(
        'left-behind',
        id,
        `Table ${id} looks like what a tool for migrations has run: the draft leaves it behind.`,
        "Let it stay; take its name out of leftBehind and give it to a service if it is the application's.",
      )
    default:
      return unreachable(why)
  }
}

/** Rows that the role of the draft cannot see, and so could not publish. */
export function hiddenRows({ claimable }: HurtContext): Finding[] {
  const unreadable = claimable.filter(({ table }) => !table.readable).map(({ id }) => id)
  const secured = claimable.filter(({ table }) => table.rowSecurity.enabled)
  return [
    ...(unreadable.length === 0
      ? []
      : [
          warningFinding(
            'privileges',
            MONOLITH,
            `The role of this URL may not read ${unreadable.length === 1 ? 'a table' : `${unreadable.length} tables`}: ${nameList(unreadable)}.`,
            'Publish with a role that may: contracts export writes the SQL that makes one.',
          ),
        ]),
    ...secured.map(({ id, facts }) =>
      warningFinding(
        'row-security',
        id,
        `Table ${id} has row-level security (${nameList(facts.policies) || 'no policy'}), which no contract has: the service gets every row, and no policy.`,
        'Publish with a role that has BYPASSRLS, and make the policies anew in the service.',
      ),
    ),
  ]
}

/** Tables that are parts of others, or have parts. */
export function oddTables({ claimable, facts }: HurtContext): Finding[] {
  const inherited = claimable.filter(({ table }) => !table.isPartition && (table.inherits || table.hasChildren))
  return [
    ...facts.objects.partitioned.map((name) =>
      warningFinding(
        'partitioned-table',
        name,
        `Table ${name} is partitioned: the draft has its partitions one by one, as tables of their own.`,
        'Let the service read and write them so, or let it have one table, filled from them after the cutover.',
      ),
    ),
    ...inherited.map(({ id, table }) =>
      warningFinding(
        'inherited-table',
        id,
        `Table ${id} ${table.inherits ? 'inherits from another' : 'has tables that inherit from it'}: the service gets plain tables, each with its own rows alone.`,
        'Let the service read each of them.',
      ),
    ),
    ...claimable.flatMap(({ id, keyIndex }) =>
      keyIndex.immediate
        ? []
        : [
            warningFinding(
              'deferrable-key',
              id,
              `The key of table ${id} is DEFERRABLE: a transaction that exchanges keys cannot be followed.`,
              'Make the constraint NOT DEFERRABLE, if there are such transactions.',
            ),
          ],
    ),
  ]
}

/** What watches over a table's rows beside keys: none of it is in a contract. */
export function rulesThatStay({ claimable }: HurtContext): Finding[] {
  return claimable.flatMap(({ id, facts: { checks, triggers } }) => [
    ...(checks.length === 0
      ? []
      : [
          warningFinding(
            'check',
            id,
            `Table ${id} has CHECK constraints, which no contract has: ${nameList(
              checks.map(({ name, definition }) => `${name} ${definition}`),
              '; ',
            )}.`,
            `${RUN_SQL}, which adds them.`,
          ),
        ]),
    ...(triggers.length === 0
      ? []
      : [
          warningFinding(
            'trigger',
            id,
            `Table ${id} has triggers, which stay in the monolith: ${nameList(triggers)}.`,
            'See what they do: their effects on rows travel as rows; what should go on happening is for the service to do.',
          ),
        ]),
  ])
}

export function emptyTables({ claimable }: HurtContext): Finding[] {
  const empty = claimable.filter(({ facts }) => facts.rows === 0).map(({ id }) => id)
  if (empty.length === 0) return []
  return [
    informationFinding(
      'empty-table',
      MONOLITH,
      `${empty.length === 1 ? 'A table has' : `${empty.length} tables have`} no row, by the statistics: ${nameList(empty)}.`,
      'See whether anybody still needs them.',
    ),
  ]
}

export function largestTables({ claimable }: HurtContext): Finding[] {
  const sized = claimable.map(({ table, facts }) => ({ name: tableSql(table), bytes: facts.bytes, rows: facts.rows }))
  const largest = sized
    .filter(({ bytes }) => bytes >= BYTES_PER_MEGABYTE)
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, LARGEST)
  if (largest.length === 0) return []
  const texts = largest.map(({ name, bytes, rows }) => {
    const counted = rows < 0 ? '' : `, about ${Math.round(rows)} rows`
    return `${name} (${Math.round(bytes / BYTES_PER_MEGABYTE)} MB${counted})`
  })
  return [
    informationFinding(
      'largest-tables',
      MONOLITH,
      `The largest tables are ${texts.join(', ')}.`,
      'They decide how long the snapshot takes.',
    ),
  ]
}
