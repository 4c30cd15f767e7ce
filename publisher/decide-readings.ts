import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { shapeHash, shapeOf } from '../contracts/wire/shape.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import type { EntityTotals } from '../contracts/wire/message.ts'
import type { StoredReading } from './stored-readings.ts'

/** What a run does with one entity. */
export type ReadingDecision =
  | { readonly kind: 'keep'; readonly stored: StoredReading; readonly totals: EntityTotals }
  | { readonly kind: 'go on'; readonly stored: StoredReading }
  | { readonly kind: 'read'; readonly attempt: number }

export interface DecidedReading {
  readonly service: Service
  readonly entity: Entity
  readonly decision: ReadingDecision
}

/** A foreign key of the monolith, by its tables as SQL names them. */
export interface ForeignKey {
  readonly from: string
  readonly to: string
}

export interface ReadingFacts {
  readonly services: readonly Service[]
  /** What each service's stream holds, by the service's and the entity's name. */
  readonly stored: ReadonlyMap<string, ReadonlyMap<string, StoredReading>>
  /** `pg_current_snapshot()` of the snapshot that a keeper holds; null where none does. */
  readonly kept: string | null
  readonly withSlot: boolean
  readonly foreignKeys: readonly ForeignKey[]
  /** Entities whose tables were rewritten or replaced since they were read. */
  readonly changed: ReadonlySet<Entity>
}

interface Candidate {
  readonly service: Service
  readonly entity: Entity
  readonly stored: StoredReading | undefined
}

/**
 * What is to be read, and what stays. Entities that must be of one moment are one unit: with a slot those that foreign
 * keys tie together within a service, without one all there are, since nothing delivers what was written in between. A unit
 * that is finished under one snapshot stays, whatever became of that; else its readings under the kept snapshot go on,
 * and all others begin anew. docs/decisions/0007-keeper.md has the reasons.
 */
export function decideReadings(facts: ReadingFacts): DecidedReading[] {
  const candidates = facts.services.flatMap((service) =>
    service.entities.map((entity): Candidate => {
      return { service, entity, stored: facts.stored.get(service.name)?.get(entity.name) }
    }),
  )
  const units = facts.withSlot ? tiedUnits(candidates, facts.foreignKeys) : [candidates]
  const isHeld = (unit: readonly Candidate[]): boolean => !unit.some(({ entity }) => facts.changed.has(entity))
  const whole = new Set(units.filter((unit) => isHeld(unit) && isFinishedUnderOne(unit)).flat())
  return candidates.map((candidate) => {
    const { service, entity } = candidate
    const kept = facts.changed.has(entity) ? null : facts.kept
    return { service, entity, decision: decide(candidate, whole.has(candidate), kept) }
  })
}

function decide({ entity, stored }: Candidate, isWhole: boolean, kept: string | null): ReadingDecision {
  if (stored === undefined) return { kind: 'read', attempt: 1 }
  const lives = stored.snapshot === kept && hasShapeOf(stored, entity)
  if (stored.totals !== null && (isWhole || lives)) return { kind: 'keep', stored, totals: stored.totals }
  return lives ? { kind: 'go on', stored } : { kind: 'read', attempt: stored.attempt + 1 }
}

function isFinishedUnderOne(unit: readonly Candidate[]): boolean {
  const [first] = unit
  return unit.every(
    ({ entity, stored }) =>
      stored !== undefined &&
      stored.totals !== null &&
      stored.snapshot === first?.stored?.snapshot &&
      hasShapeOf(stored, entity),
  )
}

function hasShapeOf(stored: StoredReading, entity: Entity): boolean {
  return stored.shape === shapeHash(shapeOf(entity))
}

/** Candidates of one service that foreign keys lead to, directly or by way of others; one alone is a unit too. */
function tiedUnits(candidates: readonly Candidate[], foreignKeys: readonly ForeignKey[]): Candidate[][] {
  let units = candidates.map((candidate) => [candidate])
  for (const [from, to] of tiedPairs(candidates, foreignKeys)) {
    const tied = units.filter((unit) => unit.includes(from) || unit.includes(to))
    if (tied.length > 1) units = [...units.filter((unit) => !tied.includes(unit)), tied.flat()]
  }
  return units
}

function tiedPairs(candidates: readonly Candidate[], foreignKeys: readonly ForeignKey[]): [Candidate, Candidate][] {
  const pairs: [Candidate, Candidate][] = []
  for (const from of candidates)
    for (const to of candidates) {
      if (from === to || from.service !== to.service) continue
      const isReference = from.entity.references.some((reference) => reference.to === to.entity.name)
      const [fromTable, toTable] = [tableSql(from.entity), tableSql(to.entity)]
      const isKey = foreignKeys.some((key) => key.from === fromTable && key.to === toTable)
      if (isReference || isKey) pairs.push([from, to])
    }
  return pairs
}
