import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runProgram } from '../../infra/embedded/run-program.ts'
import { compileSources } from './compiled-sources.ts'
import { typeScriptFlags } from './typescript-loader.ts'

const ownUrl = import.meta.url

test('a compiled module keeps the URL of its source, and what it imports is compiled too', async () => {
  const compiled = await compileSources()
  const loaderUrl = new URL('typescript-loader.ts', ownUrl).href
  const source = `import { typeScriptFlags } from '${loaderUrl}'; console.log(typeScriptFlags({ compiled: '/somewhere' })[1])`
  const flags = [...typeScriptFlags({ compiled }), '--input-type=module', '-e', source]
  const { output } = await runProgram(process.execPath, flags)
  assert.is(output.trim(), new URL('load-compiled.mjs?folder=%2Fsomewhere', ownUrl).href)
})

test('TypeScript that is not of the sources is refused in words', async () => {
  const compiled = await compileSources()
  const foreign = new URL('../../node_modules/commander/typings/index.d.ts', ownUrl).href
  const flags = [...typeScriptFlags({ compiled }), '--input-type=module', '-e', `await import('${foreign}')`]
  const { output } = await runProgram(process.execPath, flags)
  assert.match(output, '/index.d.ts was not compiled with the sources: run this process with tsx.')
})

test('the same sources are not compiled twice', async () => {
  assert.is(await compileSources(), await compileSources())
})

test.run()
