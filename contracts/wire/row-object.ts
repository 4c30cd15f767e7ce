import type { Columns, EntityDeclaration } from '../language/entity.ts'
import type { Row } from '../language/row.ts'
import type { WireRow, WireValue } from './message.ts'
import { checkRow, isMarker } from './wire-row.ts'
import { WireError } from './wire-error.ts'

/**
 * A page's row as the entity's typed row: `bigint` columns as bigint, everything else as it travels. Stored generated
 * columns do not travel, and so are not in it.
 * @throws WireError where the row does not fit the entity's columns.
 */
export function rowObject<Declaration extends EntityDeclaration<Columns>>(
  entity: Declaration,
  row: WireRow,
): Row<Declaration> {
  const columns = Object.entries(entity.columns)
    .filter(([, { settings }]) => settings.generated === undefined)
    .map(([name, { settings }]) => ({ name, type: settings.type, wire: settings.wire }))
  checkRow(row, columns, 'A row')
  const values = columns.map(({ name, type }, index) => [name, typedValue(row[index] ?? null, type, name)] as const)
  // Unlike an assignment, this makes a property of a column that is named __proto__.
  return Object.fromEntries(values) as Row<Declaration> // Each value has been checked against its column.
}

function typedValue(value: WireValue, type: string, name: string): unknown {
  if (isMarker(value))
    throw new WireError(`A row of a page marks its column ${JSON.stringify(name)} as ${value.state}.`)
  return type === 'bigint' && (typeof value === 'number' || typeof value === 'string') ? BigInt(value) : value
}
