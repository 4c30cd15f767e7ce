import { openFullScreen } from '../../infra/command-line/full-screen.ts'
import { runCommandLine } from '../../infra/command-line/run.ts'

/** A view that crashes while it is on the screen, outside of whatever could catch it. */
const exitCode = await runCommandLine(
  {
    arguments: ['crash'],
    environment: process.env,
    folder: '/',
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    defaultContracts: '',
  },
  [
    (program, run) =>
      void program.command('crash').action(() =>
        run({}, async ({ output, world }) => {
          const full = openFullScreen(world, output, { pressed: () => undefined, exposed: () => undefined })
          full.draw(['is on the screen'])
          output.note('held back until then')
          setTimeout(() => {
            throw new Error('a defect')
          })
          return await new Promise<never>(() => undefined)
        }),
      ),
  ],
)
process.exit(exitCode)
