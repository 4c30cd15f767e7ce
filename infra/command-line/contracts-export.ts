import { relative, resolve } from 'node:path'
import type { ConfigurationRequest } from '../configuration/given-values.ts'
import { readExportSettings } from './contracts-configuration.ts'
import { counted } from './quantities.ts'
import { printResult, type SharedFlags, type VerbContext, type VerbExitCode } from './verb.ts'

export interface ExportFlags extends SharedFlags {
  readonly out: string
}

/** Writes everything that follows from the configured contract set. */
export async function contractsExport(
  context: VerbContext,
  request: ConfigurationRequest,
  flags: ExportFlags,
): Promise<VerbExitCode> {
  const settings = await readExportSettings(request)
  const { exportSet } = await import('../export/export-set.ts')
  const { writeExport } = await import('../export/write-export.ts')
  context.busyWith('the files that are being written')
  const folder = resolve(context.world.folder, flags.out)
  const files = await writeExport(exportSet(settings), folder)
  const report = { contractSet: settings.set.name, prefix: settings.prefix, folder, files }
  const place = relative(context.world.folder, folder)
  const text = `Wrote ${counted(files.length, 'file')} of the contract set ${settings.set.name} to ${place.startsWith('..') ? folder : `${place}/`}`
  printResult(context, flags, report, `${text}, for the prefix ${settings.prefix}.`)
  return 0
}
