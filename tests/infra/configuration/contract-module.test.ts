// by tsx
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type LoadedContracts, loadContracts } from '../../../infra/configuration/contract-module.ts'

const language = fileURLToPath(new URL('../../../contracts/language', import.meta.url))
const imports = `
  import { contractSet } from '${language}/contract-set.ts'
  import { entity, service } from '${language}/entity.ts'
  import { text } from '${language}/types.ts'
`

async function load(source: string | null, name = 'contracts.ts'): Promise<LoadedContracts & { path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-contracts-'))
  const path = join(folder, name)
  try {
    if (source !== null) await writeFile(path, source)
    return { ...(await loadContracts(path)), path }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function mistakeOf(source: string | null, name?: string): Promise<string> {
  const loaded = await load(source, name)
  if ('mistake' in loaded) return loaded.mistake.replace(loaded.path, 'PATH')
  throw new Error('The module was taken for a contract set')
}

const shop = `service({ Order: entity({ id: text() }, { key: ['id'] }) })`

for (const name of ['contracts.ts', 'contracts.mts'])
  test(`a module ${name} outside the project gives its contract set`, async () => {
    const loaded = await load(`${imports}\nexport default contractSet('shop', { services: { sales: ${shop} } })`, name)
    assert.ok('set' in loaded, JSON.stringify(loaded))
    assert.equal(
      loaded.set.services.map((service) => service.name),
      ['sales'],
    )
  })

test('a module that is not there is told by its path', async () => {
  assert.is(await mistakeOf(null), 'SCISSION_CONTRACTS names PATH, which does not exist: correct the path.')
})

test('a module without a default export is told what to end with', async () => {
  const expected =
    'SCISSION_CONTRACTS names PATH, which has no default export: end it with `export default contractSet(…)`.'
  assert.is(await mistakeOf('export const set = 1'), expected)
  assert.is(await mistakeOf('export const set = 1', 'contracts.mjs'), expected)
})

test('anything else than a contract set is refused', async () => {
  const expected =
    'SCISSION_CONTRACTS names PATH, whose default export is not a contract set: end it with `export default contractSet(…)`.'
  for (const value of ['1', 'null', '{}', '{ name: "shop", services: {}, leftBehind: [] }', 'async () => {}'])
    assert.is(await mistakeOf(`export default ${value}`), expected, value)
})

test('a module that throws is told by the first line of its error', async () => {
  assert.is(
    await mistakeOf('throw new TypeError("no\\nsecond line")\nexport default 1'),
    'SCISSION_CONTRACTS names PATH, which fails when it is loaded: TypeError: no.',
  )
  assert.match(await mistakeOf('export default ('), /^SCISSION_CONTRACTS names PATH, which fails when it is loaded: /)
})

test('mistakes in a contract set are told as they are', async () => {
  const source = `${imports}\nexport default contractSet('shop', { services: { Sales: ${shop} } })`
  for (const name of ['contracts.ts', 'contracts.mts'])
    assert.match(
      await mistakeOf(source, name),
      /^SCISSION_CONTRACTS names PATH, which cannot be used\. The contract set shop cannot be used: service "Sales" must match/,
    )
})

test('a hand-made object of the right shape is checked all the same', async () => {
  assert.match(
    await mistakeOf(`export default { name: 'shop', services: [], leftBehind: [] }`),
    'SCISSION_CONTRACTS names PATH, whose contract set cannot be used: it has no service.',
  )
})

test.run()
