import { contractSet, type Entity } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { bigint, integer, postgres, text } from '../../contracts/language/types.ts'

export const customer = {
  id: integer(),
  name: text(),
  note: text().nullable(),
}

export const salesDeclaration = {
  Customer: entity(customer, { key: ['id'], unique: [{ on: ['name'] }] }),
  Order: entity(
    {
      id: bigint(),
      customerId: integer(),
      amount: postgres('numeric(10,2)').nullable(),
      previous: bigint().nullable(),
    },
    {
      key: ['id'],
      indexes: [{ on: ['customerId'] }],
      references: [
        { on: ['customerId'], to: 'Customer', onDelete: 'RESTRICT' },
        { on: ['previous'], to: 'Order', onDelete: 'SET NULL' },
      ],
    },
  ),
  _Tags: entity({ A: integer(), B: text() }, { key: ['A', 'B'], keyAs: 'unique index' }),
  Account: entity({ id: integer(), token: text().secret(), kind: text().default(`'plain'`) }, { key: ['id'] }),
}

/** A service with every kind of object that a contract builds: keys, a unique index, an index, foreign keys. */
export const shop = contractSet('shop', { services: { sales: service(salesDeclaration) } })

/** The same service of another time, when customers had no note. */
export const olderShop = contractSet('shop', {
  services: {
    sales: service({
      Customer: entity({ id: customer.id, name: customer.name }, { key: ['id'], unique: [{ on: ['name'] }] }),
    }),
  },
})

export const [sales] = shop.services as [(typeof shop.services)[number]] // It has one service.

export function entityNamed(name: string, set = shop): Entity {
  const found = set.services.flatMap(({ entities }) => entities).find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`No entity ${name}`)
  return found
}
