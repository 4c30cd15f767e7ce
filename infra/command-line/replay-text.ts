import type { ComparedTable } from '../../consumers/replay/compare-copies.ts'
import type { DryRun, RebuiltElsewhere } from '../../consumers/replay/rebuild-elsewhere.ts'
import type { ReplayOutcome } from '../../consumers/replay/replay-service.ts'
import { unreachable } from '../../contracts/failure.ts'
import { counted, countText, durationText } from './quantities.ts'
import { tableText, wrappedText } from './tables.ts'
import type { Display } from './terminal.ts'
import { equality, tableDifferences } from './verify-text.ts'

type Manner = Pick<Display, 'colours' | 'columns'>

/** What a person reads of a replay of the tables in use. */
export function replayedText(outcome: ReplayOutcome, { colours, columns }: Manner): string {
  const { ending, tables } = outcome
  const isDifferent = ending === 'different'
  const verdict = wrappedText(verdictOf(outcome), columns)
  return [
    ...(tables.every(({ equal }) => equal) ? [] : differencesText(outcome.service, tables, { colours, columns })),
    isDifferent ? colours.red(verdict) : colours.green(verdict),
  ].join('\n\n')
}

function verdictOf(outcome: ReplayOutcome): string {
  const { ending, entities, epoch, position, seconds, service, tables } = outcome
  const at = `${position ?? 'the snapshot'} (epoch ${epoch})`
  const what = `${counted(entities.length, 'table')} of service ${service}`
  const took = `in ${durationText(seconds)}`
  switch (ending) {
    case 'swapped':
      return `Rebuilt: ${what}, up to ${at}, ${took}. The new tables are in use; consume ${service} goes on from there.`
    case 'merged':
      return `Merged: ${what} are what the log says, up to ${at}, ${took}; consume ${service} goes on from there.`
    case 'kept':
      return `Rebuilt beside those in use: ${what}, up to ${at}, ${took}. Nothing was replaced: replay ${service} goes on from there and swaps, replay ${service} --discard removes them.`
    case 'different': {
      const differing = tables.filter(({ equal }) => !equal).length
      return `NOT replaced: ${differing} of ${what} differ from the log as of the service's own position, so that the service, or somebody else, has written to them: a replay would lose that. See it with --dry-run, rebuild the service elsewhere with --into, or take the log's rows with --overwrite. The new tables wait; replay ${service} --discard removes them.`
    }
    default:
      return unreachable(ending)
  }
}

export function intoText(outcome: RebuiltElsewhere, { colours, columns }: Manner): string {
  const { epoch, position, rows, seconds, service } = outcome
  const to = `up to ${position ?? 'the snapshot'} (epoch ${epoch})`
  return colours.green(
    wrappedText(
      `Rebuilt: service ${service} in the database of --into, ${to}, from a snapshot of ${counted(rows, 'row')}, in ${durationText(seconds)}. consume ${service} goes on there once the service's URL leads to it.`,
      columns,
    ),
  )
}

export function dryRunText(outcome: DryRun, manner: Manner): string {
  const { equal: isEqual, ownPosition, position, seconds, service, tables } = outcome
  const differing = tables.filter(({ equal }) => !equal).length
  const as = `the log as of ${position ?? 'the snapshot'}`
  const own = ownPosition === position ? '' : ` The service itself stands at ${ownPosition ?? 'the snapshot'}.`
  const verdict = isEqual
    ? `Equal: ${counted(tables.length, 'table')} of service ${service} ${tables.length === 1 ? 'is' : 'are'} what ${as} says, in ${durationText(seconds)}.`
    : `DIFFERENT: ${differing} of ${counted(tables.length, 'table')} of service ${service} differ from ${as}, in ${durationText(seconds)}.`
  const { colours, columns } = manner
  const colour = isEqual ? colours.green : colours.red
  return [
    ...differencesText(service, tables, manner),
    colour(wrappedText(`${verdict}${own} Nothing was changed.`, columns)),
  ].join('\n\n')
}

function differencesText(service: string, tables: readonly ComparedTable[], { colours, columns }: Manner): string[] {
  return [
    tableText(
      [
        { title: 'table', align: 'left' },
        { title: 'in use', align: 'right' },
        { title: 'by the log', align: 'right' },
        { title: '', align: 'left' },
      ],
      tables.map(({ entity, equal, present, rebuilt }) => [
        entity,
        present === null ? '-' : countText(present.rows),
        countText(rebuilt.rows),
        equality(equal, colours),
      ]),
    ),
    ...tables
      .filter(({ equal }) => !equal)
      .map(({ differences, entity, present, rebuilt }) =>
        tableDifferences(
          { service },
          { entity, verified: false, expected: rebuilt, found: present, differences, structure: [] },
          { against: 'log', columns },
        ),
      ),
  ]
}
