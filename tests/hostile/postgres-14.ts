import { RELEASE_VARIABLE } from '../with-servers.ts'

const IS_POSTGRES_14 = process.env[RELEASE_VARIABLE] === '14'

/** The type of the column `floats.rounded`; PostgreSQL 14 knows no negative scale. */
export const ROUNDED_TYPE = IS_POSTGRES_14 ? 'numeric(7,0)' : 'numeric(5,-2)'

/** About the longest interval of hours that can be read; PostgreSQL 14 keeps hours in 32 bits. */
export const LONGEST_HOURS = IS_POSTGRES_14 ? '2147483647:59:59.999999' : '2562047788:00:54.775807'
