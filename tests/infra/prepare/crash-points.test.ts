// deadline: 300 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cancel } from '../../../infra/cancel/cancel.ts'
import { prepare } from '../../../infra/prepare/prepare.ts'
import { withShop } from '../preflight/shop.ts'
import { dies, makeIdentities } from './dying.ts'
import { readEndState, timeless } from './end-state.ts'

const PREPARE = { withSlot: true, dryRun: false }
const CANCEL = { withLog: true, withServices: true, dryRun: false }

test('prepare that dies after any of its steps, and is run again, comes to the same end', () =>
  withShop(async ({ deployment, urls }) => {
    await makeIdentities(urls.monolith)
    const steps = (await prepare(deployment, PREPARE)).filter(({ outcome }) => outcome === 'done').length
    const prepared = timeless(await readEndState(deployment))
    for (let last = 1; last <= steps; last++) {
      await cancel(deployment, CANCEL)
      assert.ok(await dies((onStep) => prepare(deployment, { ...PREPARE, onStep }), last), `step ${last}`)
      await prepare(deployment, PREPARE)
      assert.equal(timeless(await readEndState(deployment)), prepared, `after step ${last}`)
    }
  }))

test.run()
