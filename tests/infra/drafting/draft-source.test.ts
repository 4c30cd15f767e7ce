// deadline: 180 s
// by tsx
import { spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { loadContracts } from '../../../infra/configuration/contract-module.ts'
import { projectFolder } from '../../../infra/embedded/project-folder.ts'
import { draftMonolith } from '../../../infra/drafting/draft-monolith.ts'
import { camelCase, createNames } from '../../../infra/drafting/identifiers.ts'
import { languagePath } from '../../../infra/drafting/language-module.ts'
import { group, indent, printLayout, SOFT_LINE } from '../../../infra/drafting/layout.ts'
import { callSource, chainSource, commentText, keySource, stringSource } from '../../../infra/drafting/source-text.ts'
import { writeDraft } from '../../../infra/drafting/write-draft.ts'
import { withFolder } from '../../command-line/shop.ts'
import { createHostileMonolith } from '../../hostile/monolith.ts'
import { withDatabase } from '../../with-servers.ts'
import { factsOf, withArchiModeler, withShopMonolith } from './with-monolith.ts'

/** Drafts a database into a folder of one's own. */
async function withDraft(url: string, use: (folder: string, module: string) => Promise<void> | void): Promise<void> {
  const facts = await factsOf(url)
  await withFolder(async (folder) => {
    const files = await writeDraft(draftMonolith(facts, []), facts.types, folder, false)
    await use(folder, files.at(-1) ?? '')
  })
}

function runTool(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: projectFolder, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

test("a draft is formatted as this project's own sources are", async () => {
  const assertFormatted = async (folder: string): Promise<void> => {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
    const config = join(projectFolder, '.oxfmtrc.json')
    const { status, output } = runTool('node_modules/oxfmt/bin/oxfmt', '-c', config, '--check', ...files)
    assert.is(status, 0, output)
  }
  await withShopMonolith(async (url) => await withDraft(url, assertFormatted))
  await withArchiModeler(60, async (url) => await withDraft(url, assertFormatted))
})

test('the draft of a hostile monolith is TypeScript that the compiler takes, and loads', () =>
  withDatabase(async (url) => {
    await createHostileMonolith(url, { rowsPerTable: 1 })
    await withDraft(url, async (folder, module) => {
      await writeFile(join(folder, 'package.json'), '{"type":"module"}')
      const settings = {
        extends: join(projectFolder, 'tsconfig.json'),
        compilerOptions: { typeRoots: [join(projectFolder, 'node_modules/@types')] },
        include: ['*.ts'],
      }
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
      const { status, output } = runTool('node_modules/typescript/bin/tsc', '--noEmit', '-p', folder)
      assert.is(status, 0, output)
      const loaded = await loadContracts(module)
      assert.ok('set' in loaded, 'mistake' in loaded ? loaded.mistake : '')
      const entities = loaded.set.services.flatMap((service) => service.entities)
      assert.ok(entities.some(({ name, columns }) => name === '__proto__' && columns[0]?.name === '__proto__'))
      assert.is(entities.find(({ table }) => table === 'wide')?.columns.length, 250)
    })
  }))

test('what is there already is replaced only by force, and nothing is half written', () =>
  withShopMonolith(async (url) => {
    const facts = await factsOf(url)
    const draft = draftMonolith(facts, [])
    await withFolder(async (folder) => {
      await writeFile(join(folder, 'orders.ts'), 'mine')
      const refusal = await writeDraft(draft, facts.types, folder, false).catch((error: unknown) => error)
      assert.ok(refusal instanceof Failure)
      assert.is(refusal.exitCode, 4)
      assert.match(refusal.message, 'orders.ts exists already')
      assert.equal(await readdir(folder), ['orders.ts'])
      await writeDraft(draft, facts.types, folder, true)
      assert.match(await readFile(join(folder, 'orders.ts'), 'utf8'), 'export const orders')
    })
  }))

test('a string is what it says, in plain sight', () => {
  assert.is(stringSource("it's"), `"it's"`)
  assert.is(stringSource(`"it's"`), `'"it\\'s"'`)
  assert.is(stringSource('back\\slash\n\t\r'), `'back\\\\slash\\n\\t\\r'`)
  assert.is(stringSource('\u{202e}evil\u{feff}\u{200b}\u{a0}'), `'\\u{202e}evil\\u{feff}\\u{200b}\\u{a0}'`)
  assert.is(stringSource('é 😀'), `'é 😀'`)
  for (const text of ["'", '"', '\\', '`${x}`', '\u{2028}', 'a\u{0}b', '\\u{41}'])
    assert.is(runInNewContext(stringSource(text)), text)
})

test("a key is quoted where it must be, and never sets an object's prototype", () => {
  assert.equal(['id', '$1', 'a b', '2024', 'default', 'é', ''].map(keySource), [
    'id',
    '$1',
    "'a b'",
    "'2024'",
    'default',
    'é',
    "''",
  ])
  assert.is(keySource('__proto__'), `['__proto__']`)
})

test('a comment ends where it is meant to', () => {
  assert.is(commentText('a */ b\n// c\u{2028}'), 'a *\\/ b\\n// c\\u{2028}')
})

test('constants have names of their own that are no words of the language', () => {
  const names = createNames()
  assert.equal(
    ['OrderState', 'order_state', 'text', 'class', '😀', '2024', 'URL'].map((name) => names(name, 'Type')),
    ['orderState', 'orderStateType', 'textType', 'classType', 'type1', '_2024', 'url'],
  )
  assert.is(names('Order State', 'Type'), 'orderStateType1')
  assert.is(camelCase('Bestell-Übersicht'), 'bestellUbersicht')
})

test('the language is imported by a path that works where the draft is', () => {
  const language = { folder: '/app/contracts/language', extension: '.ts' }
  assert.is(languagePath('/app/contracts/shop', 'types', language), '../language/types.ts')
  assert.is(languagePath('/app/contracts', 'entity', language), './language/entity.ts')
  assert.is(
    languagePath('/home/me', 'entity', { ...language, extension: '.js' }),
    '../../app/contracts/language/entity.js',
  )
  assert.is(
    languagePath('/', 'entity', { folder: '/a%20b?#/language', extension: '.ts' }),
    './a%2520b%3F%23/language/entity.ts',
  )
})

test('what does not fit on a line is broken, from the outside inwards', () => {
  const call = callSource('f', ['one', callSource('g', ['two', 'three'])])
  assert.is(printLayout(call, 40), 'f(one, g(two, three))')
  assert.is(printLayout(call, 20), 'f(\n  one,\n  g(two, three),\n)')
  assert.is(printLayout(call, 12), 'f(\n  one,\n  g(\n    two,\n    three,\n  ),\n)')
  const chain = chainSource('text()', ['nullable()', "default('x')"])
  assert.is(printLayout(chain, 40), "text().nullable().default('x')")
  assert.is(printLayout(chain, 20), "text()\n  .nullable()\n  .default('x')")
  // What follows a group on its line counts too.
  assert.is(printLayout([group(['[', indent([SOFT_LINE, 'x']), SOFT_LINE, ']']), ' tail'], 5), '[\n  x\n] tail')
})

test.run()
