import type { Finding } from '../preflight/finding.ts'
import type { HurtContext } from './hurt-context.ts'
import { defaultsThatStay, largeObjectColumns, otherColumns, secretColumns, serialColumns } from './hurts-of-columns.ts'
import { extensionsNeeded, objectsThatStay } from './hurts-of-database.ts'
import { deletionsThatCross, foreignKeysThatStay, indexesThatStay } from './hurts-of-keys.ts'
import {
  emptyTables,
  hiddenRows,
  largestTables,
  oddTables,
  rulesThatStay,
  tablesLeftBehind,
} from './hurts-of-tables.ts'
import { typesThatStay } from './hurts-of-types.ts'

/** Each a small function of the facts; in the order in which their findings are shown. */
const HURTS: readonly ((context: HurtContext) => Finding[])[] = [
  tablesLeftBehind,
  hiddenRows,
  oddTables,
  serialColumns,
  defaultsThatStay,
  foreignKeysThatStay,
  rulesThatStay,
  indexesThatStay,
  largeObjectColumns,
  typesThatStay,
  otherColumns,
  extensionsNeeded,
  objectsThatStay,
  deletionsThatCross,
  secretColumns,
  emptyTables,
  largestTables,
]

/** Everything that a split along this draft will lose or meet, and that the contracts cannot say; warnings come first. */
export function findHurts(context: HurtContext): Finding[] {
  const findings = HURTS.flatMap((find) => find(context))
  return [
    ...findings.filter(({ severity }) => severity !== 'information'),
    ...findings.filter(({ severity }) => severity === 'information'),
  ]
}
