import { access } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { contractMistakes } from '../../contracts/language/contract-mistakes.ts'
import type { ContractSet } from '../../contracts/language/contract-set.ts'

export type LoadedContracts = { readonly set: ContractSet } | { readonly mistake: string }

/** Enough of a contract set's shape to tell it from anything else; `contractMistakes` looks at the rest. */
const SHAPE = z.object({
  name: z.string(),
  services: z.array(
    z.object({
      name: z.string(),
      types: z.array(z.object({ name: z.string(), create: z.string() })),
      entities: z.array(
        z.object({
          name: z.string(),
          schema: z.string(),
          table: z.string(),
          columns: z.array(z.object({ name: z.string(), type: z.string(), wire: z.string(), nullable: z.boolean() })),
          key: z.array(z.string()),
          indexes: z.array(z.object({ name: z.string(), on: z.array(z.string()) })),
          references: z.array(z.object({ name: z.string(), on: z.array(z.string()), toColumns: z.array(z.string()) })),
          crossReferences: z.array(z.object({ on: z.array(z.string()), toColumns: z.array(z.string()) })),
        }),
      ),
    }),
  ),
  leftBehind: z.array(z.string()),
})

/**
 * Loads the contract set that is a module's default export. The module is code and runs: whoever may set
 * SCISSION_CONTRACTS may run anything as the user of this process.
 * @param name what the sentence calls the setting, for example `SCISSION_CONTRACTS in scission.config.json`.
 */
export async function loadContracts(path: string, name = 'SCISSION_CONTRACTS'): Promise<LoadedContracts> {
  const mistake = (text: string): LoadedContracts => ({ mistake: `${name} names ${path}, ${text}` })
  if (!(await exists(path))) return mistake('which does not exist: correct the path.')
  let module: unknown
  try {
    module = await importModule(pathToFileURL(path).href)
  } catch (error) {
    if (isFailure(error)) return mistake(`which cannot be used. ${error.message}`)
    return mistake(`which fails when it is loaded: ${firstLine(error)}`)
  }
  return judgeExport(defaultExport(module), mistake)
}

/** A contract set is TypeScript as a rule, which the compiled command cannot read by itself. */
async function importModule(url: string): Promise<unknown> {
  const isCompiled = !import.meta.url.endsWith('.ts')
  if (!isCompiled || !/\.[cm]?ts$/.test(url)) return await import(url)
  const { tsImport } = await import('tsx/esm/api')
  return await tsImport(url, import.meta.url)
}

function judgeExport(exported: unknown, mistake: (text: string) => LoadedContracts): LoadedContracts {
  if (exported === undefined)
    return mistake('which has no default export: end it with `export default contractSet(…)`.')
  if (!SHAPE.safeParse(exported).success)
    return mistake('whose default export is not a contract set: end it with `export default contractSet(…)`.')
  // The shape was looked at just now, and a module's export has no static type.
  const set = exported as ContractSet
  const mistakes = contractMistakes(set)
  return mistakes.length === 0 ? { set } : mistake(`whose contract set cannot be used: ${mistakes.join('; ')}.`)
}

/** A module that Node takes for CommonJS has its exports in `default`, and its own default export in there. */
function defaultExport(module: unknown): unknown {
  const outer = propertyOf(module, 'default')
  return propertyOf(outer, '__esModule') === true ? propertyOf(outer, 'default') : outer
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** By name, since a module that Node takes for CommonJS may have a copy of the class of its own. */
function isFailure(error: unknown): error is Error {
  return error instanceof Error && error.name === 'Failure'
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return (text.split('\n')[0] ?? '').replace(/[.\s]*$/, '.')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
