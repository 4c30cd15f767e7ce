import type { Entity } from '../../../contracts/language/contract-set.ts'
import { encodeChange } from '../../../contracts/wire/encode-message.ts'
import type { ChangeRun, WireChange } from '../../../contracts/wire/message.ts'
import { shapeHash, shapeOf } from '../../../contracts/wire/shape.ts'
import { Customer } from '../complete-snapshot.ts'
import type { HandWrittenLog } from '../hand-written-log.ts'
import { entityNamed } from '../shop.ts'

interface Given {
  readonly lsn?: string
  readonly xid?: string
  readonly last?: boolean
  readonly entity?: Entity
}

/** Changes of one transaction. The hand-written snapshots show the transactions before 10. */
export function run(
  changes: readonly WireChange[],
  { lsn = '0/20', xid = '11', last = true, entity = Customer }: Given = {},
): ChangeRun {
  return { entity: entity.name, shape: shapeHash(shapeOf(entity)), lsn, xid, committedAt: 1, last, changes }
}

export async function send(log: HandWrittenLog, ...runs: readonly ChangeRun[]): Promise<void> {
  const columns = (entity: string) => shapeOf(entityNamed(entity)).columns
  await log.send('change.~', encodeChange({ v: 1, kind: 'change', epoch: log.epoch, runs }, columns))
}
