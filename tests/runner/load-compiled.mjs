// @ts-check
// Loaded into a process by --import: TypeScript of this project is then read from the folder that the query of this
// module's URL names, where the run of tests compiled it. Every module keeps the URL of its source, and with it all paths relative to it.
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const projectUrl = new URL('../../', import.meta.url).href
const compiledFolder = new URL(import.meta.url).searchParams.get('folder')

// Node runs a loader in a thread of its own, which loads this very module. Manual: "Modules: node:module API", register.
if (isMainThread) register(import.meta.url)

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  if (!/\.[cm]?ts$/.test(url)) return await nextLoad(url, context)
  const path = url.startsWith(projectUrl) ? url.slice(projectUrl.length).replace(/ts$/, 'js') : 'none'
  const source = await readFile(`${compiledFolder}/${path}`).catch(() => null)
  if (source === null)
    throw new Error(`${fileURLToPath(url)} was not compiled with the sources: run this process with tsx.`)
  return { format: 'module', source, shortCircuit: true }
}
