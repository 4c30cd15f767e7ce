import type { ConfigurationRequest } from '../configuration/given-values.ts'
import { contractsDraft, type DraftFlags } from './contracts-draft.ts'
import { contractsExport, type ExportFlags } from './contracts-export.ts'
import { unknownAction } from './unknown-action.ts'
import { type AddVerb, type SharedFlags, type VerbContext, withSharedFlags } from './verb.ts'

const ACTIONS = ['draft', 'export']

export const addContracts: AddVerb = (program, run) => {
  const contracts = program
    .command('contracts')
    .description('write a contract set from a live database, or everything that follows from one')
    .argument('[action]')
    // Reached by whatever is none of the actions below.
    .action((action?: string) => {
      throw unknownAction('contracts', 'contracts', ACTIONS, action)
    })
  withSharedFlags(contracts.command('draft').argument('[variable]', 'the setting that has the URL of the database'))
    .summary('write a contract set as TypeScript from a live database')
    .description(
      'write a contract set as TypeScript from the database of MONOLITH_DATABASE_URL: services proposed from its foreign keys, and what will hurt; nothing is changed there',
    )
    .requiredOption('--out <folder>', 'where the modules go')
    .option(
      '--services <name=table,table...>',
      'services that are to have exactly these tables; the others are proposed',
    )
    .option('--force', 'replace files that are there already')
    .action((variable: string | undefined, flags: DraftFlags) =>
      run(flags, async (context) => await contractsDraft(context, requestOf(context, flags), variable, flags)),
    )
  withSharedFlags(contracts.command('export'))
    .summary('write everything that follows from the contract set')
    .description(
      'write what follows from the contract set: JSON Schemas, an AsyncAPI document, DDL, the references that cross services, permissions for NATS and roles for PostgreSQL; no server is asked',
    )
    .requiredOption('--out <folder>', 'where the files go; those of an earlier export are replaced')
    .action((flags: ExportFlags) =>
      run(flags, async (context) => await contractsExport(context, requestOf(context, flags), flags)),
    )
}

function requestOf({ world }: VerbContext, { config }: SharedFlags): ConfigurationRequest {
  const { environment, folder, defaultContracts } = world
  return { environment, folder, configFile: config ?? null, defaultContracts }
}
