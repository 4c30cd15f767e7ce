import { join } from 'node:path'
import type { DraftReport } from '../../../infra/command-line/contracts-draft.ts'
import { databaseName } from '../../../infra/configuration/names.ts'
import { type CommandResult, runCommand } from '../../command-line/run-command.ts'
import { withFolder } from '../../command-line/shop.ts'
import { withDatabases, withPrefix } from '../../with-servers.ts'

/** A monolith that a draft has split, by commands alone. */
export interface SplitMonolith {
  readonly folder: string
  readonly draft: DraftReport
  /** By service. */
  readonly urls: Readonly<Record<string, string>>
  readonly preflight: { readonly ready: boolean; readonly findings: readonly { check: string; problem: string }[] }
  readonly verify: { readonly verified: boolean; readonly services: readonly object[] }
}

/**
 * Drafts the contracts of a monolith, and splits it along them: draft, preflight, prepare, publish, consume, verify,
 * each a command as an operator would run it, and nothing written by hand in between.
 * @throws Error where a command that must succeed does not.
 */
export async function withSplitMonolith(
  monolith: string,
  { withSlot, draftFlags = [] }: { readonly withSlot: boolean; readonly draftFlags?: readonly string[] },
  use: (split: SplitMonolith) => Promise<void>,
): Promise<void> {
  const slot = withSlot ? [] : ['--no-slot']
  await withFolder(async (folder) => {
    const out = join(folder, 'contracts')
    const draft = await jsonOf<DraftReport>(['contracts', 'draft', '--out', out, ...draftFlags], {
      MONOLITH_DATABASE_URL: monolith,
    })
    const names = draft.services.map(({ service }) => service)
    await withDatabases(names, (urls) =>
      withPrefix(async (prefix, nats) => {
        const environment = {
          MONOLITH_DATABASE_URL: monolith,
          ...Object.fromEntries(names.map((name) => [databaseName(name), urls[name] ?? ''])),
          NATS_URL: nats.url,
          SCISSION_PREFIX: prefix,
          SCISSION_CONTRACTS: draft.module,
        }
        const preflight = await jsonOf<SplitMonolith['preflight']>(['preflight', ...slot], environment)
        await jsonOf(['prepare', '--yes', ...slot], environment)
        await jsonOf(['publish', '--snapshot-only', ...slot], environment)
        await jsonOf(['consume', '--all', '--until-caught-up'], environment)
        const verify = await jsonOf<SplitMonolith['verify']>(['verify'], environment)
        try {
          await use({ folder: out, draft, urls, preflight, verify })
        } finally {
          if (withSlot) await runCommand(['cancel'], { environment })
        }
      }),
    )
  })
}

async function jsonOf<Value extends object>(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Value> {
  const result: CommandResult = await runCommand([...args, '--json'], { environment })
  if (result.exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${result.exitCode}: ${result.stderr}`)
  return JSON.parse(result.stdout) as Value // The commands' own schema.
}
