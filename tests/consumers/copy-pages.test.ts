import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PageCopy } from '../../consumers/copy-pages.ts'
import type { PendingPage } from '../../consumers/pending-page.ts'
import { readPageHeader } from '../../contracts/wire/page-header.ts'
import { shapeOf } from '../../contracts/wire/shape.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { Customer } from './complete-snapshot.ts'
import { type TestService, withSales } from './with-service.ts'

/** Less than the driver passes on without waiting for the socket. */
const NOTE_BYTES = 10_000
/** More than the system's buffers of two connections hold. */
const MOST_PAGES = 5_000
const STALLED_MS = 500

function noteOf(id: number): string {
  return String.fromCharCode(97 + (id % 26)).repeat(NOTE_BYTES)
}

/** A page with one customer. */
function pageOf({ log }: TestService, id: number): PendingPage {
  const payload = log.pageBytes(Customer, [[id, `customer ${id}`, noteOf(id)]], { page: id })
  const taken = {
    entity: Customer,
    header: readPageHeader(payload),
    bytes: payload.length,
    sequences: [],
    isClosed: false,
  }
  return { taken, columns: shapeOf(Customer).columns, payload }
}

/** Writes pages until one is not taken; returns how many that are. */
async function writeUntilStalled(service: TestService, copy: PageCopy, resume: () => void): Promise<number> {
  for (let id = 1; id < MOST_PAGES; id++) {
    const writing = copy.write(pageOf(service, id)).then(() => 'written')
    if ((await Promise.race([writing, sleep(STALLED_MS, 'stalled')])) === 'written') continue
    resume()
    await writing
    return id + 1
  }
  throw new Error(`${MOST_PAGES} pages were taken by a connection that passes nothing on`)
}

test('a page that the socket has not passed on is not written over by the next one', async () => {
  await withSales(async (service) => {
    const { database, sql } = service
    await withTcpProxy(Number(new URL(database.url).port), async (proxy) => {
      const proxied = { ...database, url: urlByWayOf(database.url, proxy) }
      await withSession(proxied, { purpose: 'test' }, async (client) => {
        const copy = new PageCopy(client, pageOf(service, 0))
        await copy.write(pageOf(service, 0))
        proxy.hold(true)
        const pages = await writeUntilStalled(service, copy, () => proxy.hold(false))
        await copy.end()
        const expected = Array.from({ length: pages }, (_, id) => `${id}|${noteOf(id)[0]}|1`)
        const letters = `SELECT id, left(note, 1), length(replace(note, left(note, 1), '')) + 1 FROM "Customer" ORDER BY id`
        assert.equal(await sql(letters), expected)
      })
    })
  })
})

test.run()
