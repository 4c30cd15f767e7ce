// deadline: 300 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cancel } from '../../../infra/cancel/cancel.ts'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { prepare } from '../../../infra/prepare/prepare.ts'
import { run, withShop } from '../preflight/shop.ts'
import { dies, makeIdentities } from '../prepare/dying.ts'
import { readEndState } from '../prepare/end-state.ts'

const PREPARE = { withSlot: true, dryRun: false }
const CANCEL = { withLog: true, withServices: true, dryRun: false }

test('cancel that dies after any of its steps, and is run again, comes back to what was before prepare', () =>
  withShop(async ({ deployment, urls }) => {
    await makeIdentities(urls.monolith)
    const untouched = await readEndState(deployment)
    for (let last = 1; ; last++) {
      await prepare(deployment, PREPARE)
      await makeSlot(deployment)
      const died = await dies((onStep) => cancel(deployment, { ...CANCEL, onStep }), last)
      await cancel(deployment, CANCEL)
      assert.equal(await readEndState(deployment), untouched, `after step ${last}`)
      if (!died) break
    }
  }))

test('cancel undoes prepare that died after any of its steps', () =>
  withShop(async ({ deployment, urls }) => {
    await makeIdentities(urls.monolith)
    const untouched = await readEndState(deployment)
    for (let last = 1; ; last++) {
      const died = await dies((onStep) => prepare(deployment, { ...PREPARE, onStep }), last)
      await cancel(deployment, CANCEL)
      assert.equal(await readEndState(deployment), untouched, `after step ${last}`)
      if (!died) break
    }
  }))

async function makeSlot({ prefix, monolith }: Deployment): Promise<void> {
  await run(monolith.url, `SELECT pg_create_logical_replication_slot('scission_${prefix}', 'pgoutput')`)
}

test.run()
