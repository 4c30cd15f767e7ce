import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { bigint, integer, text } from '../../contracts/language/types.ts'

/** A ledger of narrow rows, for transactions of many of them. */
export const Entry = entity({ id: bigint(), account: integer(), amount: bigint(), note: text() }, { key: ['id'] })

/** The other table is the monolith's own, and nobody follows it. */
export default contractSet('bench_entries', { services: { ledger: service({ Entry }) }, leftBehind: ['unfollowed'] })
