import type { Column } from '../language/column.ts'
import { timestamp } from '../language/types.ts'

/** Prisma's `DateTime`: no time zone, milliseconds. */
export const moment = (): Column<string> => timestamp(3)

/** Prisma's `DateTime @default(now())`. Columns named `updatedAt` have no default: the application sets them. */
export const momentOfCreation = (): Column<string> => moment().default('CURRENT_TIMESTAMP')
