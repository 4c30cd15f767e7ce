import { setTimeout as delay } from 'node:timers/promises'
import { openFullScreen } from '../../infra/command-line/full-screen.ts'
import { runCommandLine } from '../../infra/command-line/run.ts'

/** A view that is stopped by Ctrl-Z, and ends before it would go on. */
const exitCode = await runCommandLine(
  {
    arguments: ['end'],
    environment: process.env,
    folder: '/',
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    defaultContracts: '',
  },
  [
    (program, run) =>
      void program.command('end').action(() =>
        run({}, async ({ output, world }) => {
          const full = openFullScreen(world, output, { pressed: () => undefined, exposed: () => undefined })
          full.draw(['is on the screen'])
          process.stdin.emit('keypress', undefined, { ctrl: true, name: 'z' })
          full.close()
          // Longer than a shell is given to notice that its job stopped.
          await delay(300)
          return 0
        }),
      ),
  ],
)
process.exit(exitCode)
