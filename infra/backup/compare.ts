import { addDigests, type Digest, digestText } from '../../contracts/digest.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import type { LargeObjects, SequenceSpan, Totals } from './manifest.ts'
import type { DatabaseObject } from './read-objects.ts'
import { type SequenceValue, sequenceText } from './read-sequences.ts'
import type { BackupTable } from './read-tables.ts'

/** What the restored dump has otherwise than the monolith. */
export type BackupDifference =
  | { readonly kind: 'table'; readonly table: string; readonly expected: Totals; readonly found: Totals }
  | {
      readonly kind: 'object'
      readonly type: string
      readonly name: string
      readonly is: 'missing' | 'extra' | 'changed'
    }
  | { readonly kind: 'sequence'; readonly name: string; readonly expected: string; readonly found: string }
  | { readonly kind: 'large objects'; readonly expected: LargeObjects; readonly found: LargeObjects }

/**
 * Compares tables one by one. Where partitions differ their whole tree counts: rows of a table that is partitioned by the
 * hash of an enum go into other partitions on another server, since the hash is of the label's number there.
 */
export function compareTables(
  tables: readonly BackupTable[],
  expected: readonly Digest[],
  found: readonly Digest[],
): BackupDifference[] {
  const equal = (place: number): boolean => sameDigest(expected[place], found[place])
  const equalTrees = new Set(
    [...treesOf(tables)]
      .filter(([, places]) => sameDigest(sumOf(places, expected), sumOf(places, found)))
      .map(([root]) => root),
  )
  return tables.flatMap((table, place): BackupDifference[] => {
    const [before, after] = [expected[place], found[place]]
    if (before === undefined || after === undefined) throw new Error('A table has no digest')
    if (equal(place) || (table.partitionOf !== null && equalTrees.has(table.partitionOf))) return []
    return [{ kind: 'table', table: tableSql(table), expected: totalsOf(before), found: totalsOf(after) }]
  })
}

export function totalsOf(digest: Digest): Totals {
  return { rows: digest.rows, digest: digestText(digest) }
}

function treesOf(tables: readonly BackupTable[]): Map<string, number[]> {
  const trees = new Map<string, number[]>()
  tables.forEach(({ partitionOf }, place) => {
    if (partitionOf !== null) trees.set(partitionOf, [...(trees.get(partitionOf) ?? []), place])
  })
  return trees
}

function sumOf(places: readonly number[], digests: readonly Digest[]): Digest | undefined {
  return places.map((place) => digests[place]).reduce((sum, next) => (sum && next ? addDigests(sum, next) : undefined))
}

function sameDigest(one: Digest | undefined, other: Digest | undefined): boolean {
  return one !== undefined && one.rows === other?.rows && one.sum === other.sum
}

/** @param withDefinitions false where the servers are of different versions, which print definitions differently. */
export function compareObjects(
  expected: readonly DatabaseObject[],
  found: readonly DatabaseObject[],
  withDefinitions: boolean,
): BackupDifference[] {
  const id = ({ type, name }: DatabaseObject): string => `${type} ${name}`
  const before = new Map(expected.map((object) => [id(object), object]))
  const after = new Map(found.map((object) => [id(object), object]))
  const differences = (objects: readonly DatabaseObject[], is: 'missing' | 'extra' | 'changed'): BackupDifference[] =>
    objects.map(({ type, name }) => ({ kind: 'object', type, name, is }))
  const changed = expected.filter((object) => {
    const copy = after.get(id(object))
    return withDefinitions && copy !== undefined && copy.definition !== object.definition
  })
  return [
    ...differences(
      expected.filter((object) => !after.has(id(object))),
      'missing',
    ),
    ...differences(changed, 'changed'),
    ...differences(
      found.filter((object) => !before.has(id(object))),
      'extra',
    ),
  ]
}

/** The sequences of two readings, one before the dump and one behind it; one that came or went between is left out. */
export function sequenceSpans(before: readonly SequenceValue[], after: readonly SequenceValue[]): SequenceSpan[] {
  const later = new Map(after.map((sequence) => [tableSql(sequence), sequence]))
  return before.flatMap((sequence) => {
    const end = later.get(tableSql(sequence))
    if (end === undefined) return []
    const { schema, table } = sequence
    return [{ schema, table, before: sequenceText(sequence), after: sequenceText(end) }]
  })
}

/** A sequence in use must have come back with a value that it had while it was dumped. */
export function compareSequences(
  spans: readonly SequenceSpan[],
  restored: readonly SequenceValue[],
): BackupDifference[] {
  const found = new Map(restored.map((sequence) => [tableSql(sequence), sequenceText(sequence)]))
  return spans.flatMap((span): BackupDifference[] => {
    const name = tableSql(span)
    const value = found.get(name)
    // A sequence that is missing altogether is told as an object.
    if (value === undefined || liesWithin(value, span)) return []
    const expected = span.before === span.after ? span.before : `${span.before} to ${span.after}`
    return [{ kind: 'sequence', name, expected, found: value }]
  })
}

function liesWithin(value: string, { before, after }: SequenceSpan): boolean {
  if (value === before || value === after) return true
  if (before === after) return false
  const [found, one, other] = [value, before, after].map((text) => BigInt(text.split(' ')[0] ?? ''))
  if (found === undefined || one === undefined || other === undefined) return false
  return (one <= found && found <= other) || (other <= found && found <= one)
}

export function compareLargeObjects(expected: LargeObjects, found: LargeObjects): BackupDifference[] {
  const isEqual =
    expected.objects === found.objects && expected.bytes === found.bytes && expected.digest === found.digest
  return isEqual ? [] : [{ kind: 'large objects', expected, found }]
}
