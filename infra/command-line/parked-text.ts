import { unreachable } from '../../contracts/failure.ts'
import type { ParkedTransaction } from '../../consumers/parked/parked-transactions.ts'
import type { RetriedGroup } from '../../consumers/parked/retry-parked.ts'
import type { ShownChange, ShownTransaction, ShownValue } from '../../consumers/parked/show-parked.ts'
import { counted, countText } from './quantities.ts'
import { tableText, wrappedText } from './tables.ts'
import { printableLines, printableText } from './terminal-line.ts'

export interface ParkedOfService {
  readonly service: string
  readonly transactions: readonly ParkedTransaction[]
}

export interface Manner {
  readonly columns: number
  readonly dryRun: boolean
}

/** A day of changes to one busy row may wait: so many transactions are listed, and the rest is counted. */
const LISTED_WAITING = 20

/** What a person reads of what is parked: the transactions, then why those that were refused were, and the ways on. */
export function listText(services: readonly ParkedOfService[], columns: number): string {
  const listed = services.flatMap(({ service, transactions }) =>
    listedOf(transactions).map((each) => ({ service, each })),
  )
  if (listed.length === 0) return 'Nothing is parked.'
  const table = tableText(
    [
      { title: 'service', align: 'left' },
      { title: 'position', align: 'right' },
      { title: 'state', align: 'left' },
      { title: 'changes', align: 'right' },
      { title: 'tables', align: 'left' },
    ],
    listed.map(({ service, each: { changes, entities, position, state } }) => [
      service,
      position,
      state,
      changes === 0 ? '' : countText(changes),
      printableText(entities.join(', '), true),
    ]),
  )
  const left = services.flatMap(({ service, transactions }) => leftText(service, transactions))
  const reasons = listed.flatMap(({ service, each }) => {
    const wayOn = wayOnText(service, each)
    return each.reason === null
      ? []
      : [wrappedText(`${service} ${each.position}: ${printableLines(each.reason)}. ${wayOn}`, columns, '  ')]
  })
  return [[table, ...left].join('\n'), ...reasons].join('\n\n')
}

function listedOf(transactions: readonly ParkedTransaction[]): ParkedTransaction[] {
  const waiting = transactions.filter(({ state }) => state === 'waiting').slice(0, LISTED_WAITING)
  return transactions.filter((each) => each.state !== 'waiting' || waiting.includes(each))
}

function leftText(service: string, transactions: readonly ParkedTransaction[]): string[] {
  const left = transactions.filter(({ state }) => state === 'waiting').slice(LISTED_WAITING)
  const changes = left.reduce((sum, each) => sum + each.changes, 0)
  const verb = left.length === 1 ? 'waits' : 'wait'
  return left.length === 0
    ? []
    : [`${counted(left.length, 'more transaction')} of ${service} ${verb}, with ${counted(changes, 'change')}.`]
}

function wayOnText(service: string, { position, state }: ParkedTransaction): string {
  switch (state) {
    case 'stopped':
      return `Put the row right and run consume ${service}, or set it aside: parked add ${service} ${position}.`
    case 'chosen':
      return `It is set aside by the next consume ${service}.`
    case 'parked':
    case 'waiting':
      return `Put the row right, then: parked retry ${service}; or give it up: parked discard ${service} ${position}.`
    default:
      return unreachable(state)
  }
}

export function chosenText(service: string, { position, state }: ParkedTransaction, columns: number): string {
  const text =
    state === 'parked'
      ? `The transaction at ${position} is parked already: see parked show ${service} ${position}.`
      : `The transaction at ${position} is set aside when the consumer comes to it, with every later change of its rows: run consume ${service}.`
  return wrappedText(text, columns)
}

export function shownText(service: string, transaction: ShownTransaction, columns: number): string {
  const { changes, reason, shown } = transaction
  const heading = `${service}: ${summaryText(transaction)}${reason === null ? '' : `: ${printableLines(reason)}`}.`
  const left = changes - shown.length
  return [
    wrappedText(heading, columns, '  '),
    // Values stand in these as they are, blanks included.
    ...shown.map((change) => `- ${printableText(changeText(change), true)}`),
    ...(left > 0 ? [`- and ${countText(left)} more (--limit)`] : []),
  ].join('\n')
}

function changeText({ entity, key, op, row }: ShownChange): string {
  const of = key.length === 0 ? '' : ` ${valuesText(key)}`
  const values = row.length === 0 ? '' : ` to ${valuesText(row)}`
  return op === 'insert' ? `insert ${entity} ${valuesText(row)}` : `${op} ${entity}${of}${values}`
}

function valuesText(values: readonly ShownValue[]): string {
  return `(${values.map(({ column, value }) => `${column} = ${value}`).join(', ')})`
}

export function retriedText(service: string, groups: readonly RetriedGroup[], { columns, dryRun }: Manner): string {
  if (groups.length === 0) return `Nothing is parked for service ${service}.`
  const lines = groups.map(({ changes, positions, refused }) => {
    const what = `${counted(changes, 'change')} of ${counted(positions.length, 'transaction')} from ${positions[0]} on`
    const outcome =
      refused === null
        ? dryRun
          ? 'would be applied'
          : 'applied'
        : `refused, and nothing is applied: ${printableLines(refused)}`
    return wrappedText(`${what}: ${outcome}.`, columns, '  ')
  })
  const refused = groups.filter((group) => group.refused !== null).length
  const ending = dryRun
    ? 'Nothing was changed.'
    : `${counted(groups.length - refused, 'group')} applied, ${refused} refused.`
  return [...lines, '', ending].join('\n')
}

export function discardedText(service: string, transaction: ParkedTransaction, { columns, dryRun }: Manner): string {
  const what = `${summaryText(transaction)} of service ${service}`
  return wrappedText(dryRun ? `Would forget ${what}. Nothing was changed.` : `Forgot ${what}.`, columns)
}

/** For example `2 changes (Customer) of the transaction at 0/30`. */
export function summaryText({ changes, entities, position }: ParkedTransaction): string {
  return `${counted(changes, 'change')} (${printableText(entities.join(', '), true)}) of the transaction at ${position}`
}
