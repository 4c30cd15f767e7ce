import { relative, resolve } from 'node:path'
import type { ConfigurationRequest } from '../configuration/given-values.ts'
import type { Draft } from '../drafting/draft.ts'
import type { GivenService } from '../drafting/given-services.ts'
import type { PostgresTarget } from '../postgres/session.ts'
import { readDraftTarget } from './contracts-configuration.ts'
import { counted } from './quantities.ts'
import { tableText, wrappedText } from './tables.ts'
import { type Colours, displayOf } from './terminal.ts'
import { printResult, type SharedFlags, type VerbContext, type VerbExitCode } from './verb.ts'

export interface DraftFlags extends SharedFlags {
  readonly out: string
  readonly services?: readonly string[]
  readonly force?: true
}

/** What a draft came to; the schema of `--json`. */
export interface DraftReport {
  readonly contractSet: string
  /** The file that SCISSION_CONTRACTS is to name. */
  readonly module: string
  readonly files: readonly string[]
  readonly services: readonly { readonly service: string; readonly entities: readonly string[] }[]
  readonly leftBehind: readonly string[]
  readonly findings: Draft['findings']
}

/** Reads the catalog of a live database, writes the modules of a contract set, and says what will hurt. */
export async function contractsDraft(
  context: VerbContext,
  request: ConfigurationRequest,
  variable: string | undefined,
  flags: DraftFlags,
): Promise<VerbExitCode> {
  const { parseGivenService } = await import('../drafting/given-services.ts')
  const given = (flags.services ?? []).map(parseGivenService)
  const target = await readDraftTarget(request, variable)
  context.busyWith('the look at the catalog')
  const report = await draft(context, target, given, flags)
  const { colours, columns } = displayOf(context.world.stdout, context.world.environment)
  printResult(context, flags, report, draftText(report, context.world.folder, colours, columns))
  return 0
}

async function draft(
  { world, signal }: VerbContext,
  target: PostgresTarget,
  given: readonly GivenService[],
  { out, force }: DraftFlags,
): Promise<DraftReport> {
  const { draftDatabase } = await import('../drafting/draft-database.ts')
  const folder = resolve(world.folder, out)
  const { draft: drafted, files } = await draftDatabase(target, { given, folder, force: force === true, signal })
  return {
    contractSet: drafted.name,
    module: files.at(-1) ?? folder,
    files,
    services: drafted.services.map(({ name, entities }) => ({
      service: name,
      entities: entities.map((entity) => entity.name),
    })),
    leftBehind: drafted.leftBehind.map(({ name }) => name),
    findings: drafted.findings,
  }
}

/** What a person reads: the services, what will hurt, and what to do next. */
export function draftText(report: DraftReport, folder: string, colours: Colours, columns: number): string {
  const { services, leftBehind, findings } = report
  const tables = services.reduce((sum, { entities }) => sum + entities.length, 0)
  const left = leftBehind.length === 0 ? '' : `; ${counted(leftBehind.length, 'table')} left behind`
  return [
    tableText(
      [
        { title: 'service', align: 'left' },
        { title: 'tables', align: 'right' },
        { title: '', align: 'left' },
      ],
      services.map(({ service, entities }) => [
        service,
        String(entities.length),
        shortList(entities, columns - service.length),
      ]),
    ),
    ...findings.map((finding) => findingText(finding, colours, columns)),
    [
      `Drafted ${counted(services.length, 'service')} with ${counted(tables, 'table')}${left}.`,
      'Look through the files, then:',
      `  SCISSION_CONTRACTS=${shortPath(report.module, folder)} scission preflight`,
    ].join('\n'),
  ].join('\n\n')
}

function findingText(
  { severity, subject, problem, cure }: Draft['findings'][number],
  colours: Colours,
  columns: number,
) {
  const colour = { error: colours.red, warning: colours.yellow, information: colours.cyan }[severity]
  return [
    `${colour(severity)}  ${oneLine(subject)}`,
    wrappedText(`  ${oneLine(problem)}`, columns, '  '),
    wrappedText(`  ${oneLine(cure)}`, columns, '  '),
  ].join('\n')
}

/** Room that the other columns take. */
const OTHER_COLUMNS = 14

function shortList(names: readonly string[], columns: number): string {
  const characters = [...oneLine(names.join(', '))]
  const room = Math.max(OTHER_COLUMNS, columns - OTHER_COLUMNS)
  return characters.length > room ? `${characters.slice(0, room - 1).join('')}…` : characters.join('')
}

/** A name may have new lines, and what a terminal takes for an order. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\uFFFD')
}

function shortPath(path: string, folder: string): string {
  const short = relative(folder, path)
  return short.startsWith('..') ? path : short
}
