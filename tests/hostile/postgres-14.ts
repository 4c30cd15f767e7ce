import { RELEASE_VARIABLE } from '../with-servers.ts'

/** The type of the column `floats.rounded`; PostgreSQL 14 knows no negative scale. */
export const ROUNDED_TYPE = process.env[RELEASE_VARIABLE] === '14' ? 'numeric(7,0)' : 'numeric(5,-2)'
