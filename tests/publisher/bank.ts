import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { bigint, bytea, text } from '../../contracts/language/types.ts'

/** Money moves between the tables of two services: in a consistent snapshot the sum over both is what it always is. */
const Account = entity({ id: text(), amount: bigint(), note: text().nullable() }, { key: ['id'] })
const Purse = entity({ id: text(), amount: bigint(), note: text().nullable() }, { key: ['id'] })
const Coin = entity({ id: text(), picture: bytea().nullable() }, { key: ['id'] })

export const BANK = contractSet('bank', { services: { vault: service({ Account }), wallet: service({ Purse, Coin }) } })

export const BANK_TABLES = [
  'CREATE TABLE "Account" (id text PRIMARY KEY, amount bigint NOT NULL, note text)',
  'CREATE TABLE "Purse" (id text PRIMARY KEY, amount bigint NOT NULL, note text)',
  'CREATE TABLE "Coin" (id text PRIMARY KEY, picture bytea)',
]
