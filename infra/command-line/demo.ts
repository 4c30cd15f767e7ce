import { Option } from 'commander'
import type { ServeAddress } from '../../consumers/lag/serve/access.ts'
import { numberFlag } from './flags.ts'
import { serveAddressFlag } from './serve-address.ts'
import type { AddVerb } from './verb.ts'

export interface DemoFlags {
  readonly elements: number
  readonly seed: number
  readonly json?: true
  readonly serve?: ServeAddress | true
}

const DEFAULT_ELEMENTS = 100_000
const DEFAULT_SEED = 1

/** The generator has bounds of its own, and says them. */
const MAX_FLAG = Number.MAX_SAFE_INTEGER

export const addDemo: AddVerb = (program, run) => {
  program
    .command('demo')
    .description('split a generated monolith into ten databases on private servers, and prove each equal')
    .option('--elements <number>', 'the size of the monolith', flag, DEFAULT_ELEMENTS)
    .option('--seed <number>', 'what its content is drawn from', flag, DEFAULT_SEED)
    .addOption(
      new Option('--serve [address]', 'show it on a page, and go on afterwards, until it is interrupted').argParser(
        serveAddressFlag,
      ),
    )
    .option('--json', 'print the result as one line of JSON on standard output')
    .action((flags: DemoFlags) =>
      run(flags, async (context) => await (await import('./demo-run.ts')).demo(context, flags)),
    )
}

function flag(text: string): number {
  return numberFlag(text, 0, MAX_FLAG)
}
