import { Failure } from '../contracts/failure.ts'
import type { Entity } from '../contracts/language/contract-set.ts'
import type { ContractControl, Shape } from '../contracts/wire/message.ts'
import type { PageColumn } from '../contracts/wire/page-to-copy.ts'
import { shapeHash, shapeOf } from '../contracts/wire/shape.ts'

/** The shapes by which a service's pages are read: its contract's own, and those that the log described. */
export class KnownShapes {
  readonly #service: string
  readonly #shapes = new Map<string, Shape>()
  readonly #columns = new Map<string, readonly PageColumn[]>()

  /** @param learned those that the log described to an earlier run, whose messages are not read again. */
  constructor(service: string, entities: readonly Entity[], learned: ReadonlyMap<string, Shape>) {
    this.#service = service
    for (const entity of entities) this.#shapes.set(shapeHash(shapeOf(entity)), shapeOf(entity))
    for (const [hash, shape] of learned) this.#shapes.set(hash, shape)
  }

  learn({ hash, shape }: ContractControl): void {
    this.#shapes.set(hash, shape)
  }

  /**
   * The columns of a page, in its values' order.
   * @throws Failure 4 for a shape that the log did not describe, or a column that the contract does not have.
   */
  columnsOf(entity: Entity, hash: string): readonly PageColumn[] {
    const known = this.#columns.get(hash)
    if (known !== undefined) return known
    const shape = this.#shapes.get(hash)
    if (shape === undefined || shape.entity !== entity.name)
      throw new Failure(
        4,
        `Service ${this.#service}: the log does not describe the shape ${hash} of its ${entity.name}: the log is not whole; begin a new epoch with publish --new-epoch.`,
      )
    const columns = pageColumns(this.#service, entity, shape)
    this.#columns.set(hash, columns)
    return columns
  }
}

/** What the database computes by now is left out; a column that the shape does not have gets its default. */
function pageColumns(service: string, entity: Entity, shape: Shape): PageColumn[] {
  return shape.columns.map(({ name, wire }) => {
    const own = entity.columns.find((column) => column.name === name)
    if (own === undefined)
      throw new Failure(
        4,
        `Service ${service}: the log's ${entity.name} has a column ${JSON.stringify(name)}, which the contract does not have: use the contract set that the log was published with.`,
      )
    return { name, wire, leftOut: own.generated !== undefined }
  })
}
