import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createGuardedFolder, type GuardedFolder } from '../../../infra/embedded/guarded-folder.ts'
import { findNatsBinary } from '../../../infra/embedded/nats-binary.ts'
import { failureOf } from './failure-of.ts'
import { withPrograms } from './with-programs.ts'

async function withFolder(use: (folder: GuardedFolder) => Promise<void>): Promise<void> {
  const folder = await createGuardedFolder()
  try {
    await use(folder)
  } finally {
    await folder.remove()
  }
}

const server = (version: string) => ({ 'nats-server': `nats-server: v${version}` })

test('a nats-server on the PATH that is too old is passed over, and said', () =>
  withFolder((folder) =>
    withPrograms(server('2.10.22'), (old) =>
      withPrograms(server('2.10.23'), async (good) => {
        const found = await findNatsBinary({ PATH: `${old}:${good}` }, folder)
        assert.equal([found.program, found.version, found.source], [`${good}/nats-server`, '2.10.23', 'the PATH'])
        assert.equal(found.passedOver, [
          `nats-server from the PATH (${old}/nats-server) is passed over: it is version 2.10.22, and 2.10.23 or newer is needed.`,
        ])
      }),
    ),
  ))

test('SCISSION_NATS_SERVER goes before the PATH', () =>
  withFolder((folder) =>
    withPrograms(server('2.12.0'), async (named) => {
      const program = `${named}/nats-server`
      const found = await findNatsBinary({ SCISSION_NATS_SERVER: program, PATH: '/nowhere' }, folder)
      assert.equal([found.program, found.source], [program, 'SCISSION_NATS_SERVER'])
    }),
  ))

test('a SCISSION_NATS_SERVER that does not serve is a mistake, not passed over', () =>
  withFolder(async (folder) => {
    const failure = await failureOf(findNatsBinary({ SCISSION_NATS_SERVER: '/nowhere/nats-server' }, folder))
    assert.is(failure.exitCode, 2)
    assert.match(
      failure.message,
      'SCISSION_NATS_SERVER names /nowhere/nats-server, which does not serve: it cannot be run',
    )
  }))

test.run()
