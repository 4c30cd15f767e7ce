import type { GraphLink, GraphTable, LinkStrength, TableGraph } from '../../../infra/drafting/table-graph.ts'

const STRENGTHS: Readonly<Record<string, LinkStrength>> = { o: 'owned', r: 'required', n: 'optional', l: 'loose' }

/**
 * Reads a graph of tables, one a line: `name: parent/o parent/rk`. A parent's letter is the strength of the foreign key
 * (owned, required, optional, loose), `k` says that it is in the key, and a `*` before the name marks a join table.
 */
export function graphFrom(text: string): TableGraph {
  const tables: GraphTable[] = []
  const links: GraphLink[] = []
  for (const line of text.trim().split('\n')) {
    const [name = '', parents = ''] = line.split(':').map((part) => part.trim())
    const table = name.replace('*', '')
    tables.push({ id: table, schema: 'public', table, isJoin: name.startsWith('*') })
    for (const parent of parents.split(' ').filter((word) => word !== '')) {
      const [to = '', letters = ''] = parent.split('/')
      const strength = STRENGTHS[letters.charAt(0)]
      if (strength === undefined) throw new Error(`No strength in ${line}`)
      links.push({ from: table, to, strength, isInKey: letters.endsWith('k') })
    }
  }
  return { tables, links }
}

/** The music shop that SQL is taught with. */
export const CHINOOK = graphFrom(`
  Artist:
  Album: Artist/r
  Genre:
  MediaType:
  Track: Album/n MediaType/r Genre/n
  Playlist:
  *PlaylistTrack: Playlist/rk Track/rk
  Employee: Employee/n
  Customer: Employee/n
  Invoice: Customer/r
  InvoiceLine: Invoice/r Track/r`)

/** The DVD rental that PostgreSQL is taught with. */
export const PAGILA = graphFrom(`
  actor:
  category:
  country:
  city: country/r
  address: city/r
  language:
  film: language/r language/n
  *film_actor: film/rk actor/rk
  *film_category: film/rk category/rk
  store: address/r staff/r
  staff: address/r store/r
  customer: address/r store/r
  inventory: film/r store/r
  rental: inventory/r customer/r staff/r
  payment: rental/r customer/r staff/r`)

/** A shop on the web, where nearly everything refers to users and products. */
export const WEB_SHOP = graphFrom(`
  users:
  user_profiles: users/ok
  sessions: users/o
  roles:
  *user_roles: users/ok roles/ok
  addresses: users/o
  categories: categories/l
  products: categories/r
  product_images: products/o
  *product_tags: products/ok tags/ok
  tags:
  inventory: products/ok warehouses/ok
  warehouses:
  stock_movements: products/r warehouses/r
  carts: users/o
  cart_items: carts/ok products/rk
  orders: users/r addresses/r coupons/l
  order_items: orders/ok products/r
  payments: orders/r
  payment_refunds: payments/r
  shipments: orders/r carriers/r
  shipment_items: shipments/ok order_items/r
  carriers:
  coupons:
  reviews: products/o users/l
  *wishlists: users/ok products/ok
  audit_log: users/l
  notifications: users/o
  settings:`)
