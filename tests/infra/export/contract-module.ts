import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContractSet } from '../../../contracts/language/contract-set.ts'

/** Writes a module whose default export is a contract set that is there already, for SCISSION_CONTRACTS. */
export async function contractsOf(folder: string, set: ContractSet): Promise<string> {
  const path = join(folder, 'contracts.mjs')
  await writeFile(path, `export default JSON.parse(${JSON.stringify(JSON.stringify(set))})\n`)
  return path
}
