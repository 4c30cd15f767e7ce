import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { programsOver } from '../../../infra/embedded/abandoned-folders.ts'
import { debianMirrors, parseSources, sourcesFile } from '../../../infra/embedded/debian-package.ts'
import { natsConfiguration } from '../../../infra/embedded/nats-configuration.ts'
import { settingsFile } from '../../../infra/embedded/postgres-settings.ts'
import { folderOwner, privateFolderName } from '../../../infra/embedded/private-folder.ts'
import { startField } from '../../../infra/embedded/process-identity.ts'
import { isPortTaken, startFailure } from '../../../infra/embedded/server-start.ts'
import { isAtLeast, judgeVersion, parseVersion } from '../../../infra/embedded/version.ts'

test('versions are read from what programs print', () => {
  assert.equal(parseVersion('postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'), [15, 18])
  assert.equal(parseVersion('postgres (PostgreSQL) 18beta1'), [18])
  assert.equal(parseVersion('nats-server: v2.10.27'), [2, 10, 27])
  assert.is(parseVersion('hello'), undefined)
})

test('versions are compared by number, not by letter', () => {
  assert.ok(isAtLeast([2, 10, 23], [2, 10, 23]))
  assert.ok(isAtLeast([2, 11], [2, 10, 23]))
  assert.not.ok(isAtLeast([2, 9, 30], [2, 10]))
  assert.ok(isAtLeast([14], [14, 0]))
})

test('a program that cannot be run is judged by what it said', () => {
  assert.equal(judgeVersion({ status: null, output: 'EACCES' }, [14]), { fault: 'it cannot be run (EACCES)' })
})

test("only mirrors of Debian's whole archive are asked, each once", () => {
  const sources = parseSources(
    [
      'http://mirror.example/debian/ bookworm',
      'http://mirror.example/debian/ bookworm-updates',
      'http://security.example/ bookworm-security',
      'http://other.example/ stable',
      'https://apt.example/ nodistro',
      'http://ubuntu.example/ubuntu/ noble',
      '',
    ].join('\n'),
  )
  assert.equal(debianMirrors(sources), ['http://mirror.example/debian/', 'http://other.example/'])
})

test('a list of sources names the keys that it must be signed with', () => {
  const text = sourcesFile({ mirror: 'http://m.example/', suite: 'trixie' }, '/keys.gpg')
  assert.is(text, 'Types: deb\nURIs: http://m.example/\nSuites: trixie\nComponents: main\nSigned-By: /keys.gpg\n')
})

test('a private folder tells its owner by its name, and other folders have none', () => {
  const owner = { pid: 12, start: '345', space: '00c0ffee' }
  assert.equal(folderOwner(privateFolderName(owner, 'ab12')), owner)
  assert.is(folderOwner('scission-notes'), undefined)
})

test("a process's start is found behind a name with blanks and brackets", () => {
  const fields = Array.from({ length: 50 }, (_, i) => String(i + 3))
  assert.is(startField(`77 (a) b) ${fields.join(' ')}\n`), '22')
})

test('what runs over a folder is known by its command line; who looks at the log is left alone', () => {
  const lines = [
    '/bin/sh /p/run/x/guard.sh /p/run/x QUIT 80 postgres',
    '/usr/lib/postgresql/15/bin/postgres -D /p/run/x/data -p 5432',
    '/opt/any-name --config /p/run/x/nats-4222.conf',
    'apt-get -o Dir::State=/p/run/x/apt-trixie-1/state update',
    'tail -f /p/run/x/log',
    '/usr/lib/postgresql/15/bin/postgres -D /p/run/xy/data',
    'tar -c /p/run/x',
  ]
  const running = lines.map((commandLine, pid) => ({ pid, commandLine }))
  assert.equal(
    programsOver('/p/run/x', running).map(({ pid }) => pid),
    [0, 1, 2, 3],
  )
})

test('settings that are given override ours, and quotes in them are doubled', () => {
  const text = settingsFile({ wal_level: 'replica', search_path: `'a'` }, true)
  assert.match(text, "wal_level = 'replica'\n")
  assert.match(text, "search_path = '''a'''\n")
  assert.match(text, "fsync = 'on'\n")
  assert.is(text.split('wal_level').length, 2)
})

test('a broker that takes larger messages also lets more wait for a client', () => {
  const given = { folder: '/f', user: 'u', password: 'p', port: 1, monitorPort: 2 }
  assert.not.match(natsConfiguration(given), 'max_pending')
  assert.match(natsConfiguration({ ...given, maxPayloadBytes: 64 * 1024 * 1024 }), `max_pending: ${128 * 1024 * 1024}`)
  assert.match(natsConfiguration(given), 'sync_interval: always')
  assert.not.match(natsConfiguration({ ...given, syncAlways: false }), 'sync_interval')
})

test('a port that was taken is told from other failures', () => {
  assert.ok(isPortTaken('could not bind IPv4 address "127.0.0.1": Address already in use'))
  assert.ok(isPortTaken('[FTL] Error listening on port: 127.0.0.1:1: listen tcp: bind: address already in use'))
  assert.not.ok(isPortTaken('FATAL: invalid value'))
})

test('a failed start quotes the end of the log, not all of it', () => {
  const log = Array.from({ length: 100 }, (_, i) => `line ${i}`).join('\n')
  const { message } = startFailure('NATS', 'ended', log)
  assert.match(message, 'line 99')
  assert.not.match(message, 'line 50')
})

test.run()
