import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { complaintOf, isOutOfRoom } from '../../../infra/backup/complaint.ts'
import { findDumpPrograms, noDumpPrograms, servesFor } from '../../../infra/backup/dump-programs.ts'
import { dumpArguments, dumpFailure } from '../../../infra/backup/dump.ts'
import { programEnvironment, tlsVariables } from '../../../infra/backup/program-environment.ts'
import { restoreFailure } from '../../../infra/backup/prove.ts'
import { refuseMissing } from '../../../infra/backup/scratch-database.ts'
import { canProve, findScratchPrograms, noScratchPrograms } from '../../../infra/backup/scratch-programs.ts'
import { errorText, withFolder } from './with-backup.ts'

async function placePrograms(folder: string, version: string, names = ['pg_dump', 'pg_restore']): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (const name of names) {
    await writeFile(`${folder}/${name}`, `#!/bin/sh\necho "${name} (PostgreSQL) ${version}"\n`)
    await chmod(`${folder}/${name}`, 0o755)
  }
  return folder
}

test('the named folder is taken first, then the PATH, then the newest installed version', async () => {
  await withFolder(async (folder) => {
    const named = await placePrograms(`${folder}/named`, '15.2')
    const onPath = await placePrograms(`${folder}/path`, '16.1')
    const installed = `${folder}/lib`
    for (const version of ['9', '14', '17']) await placePrograms(`${installed}/${version}/bin`, `${version}.4`)
    const found = async (environment: Record<string, string>, server: string): Promise<string> =>
      (await findDumpPrograms(environment, server, installed)).version
    assert.is(await found({ SCISSION_POSTGRES_BIN: named, PATH: onPath }, '15.18'), '15.2')
    assert.is(await found({ SCISSION_POSTGRES_BIN: named, PATH: onPath }, '16.9'), '16.1')
    assert.is(await found({ PATH: '/nowhere' }, '14.0'), '17.4')
    assert.is(await found({ SCISSION_POSTGRES_BIN: named, PATH: '/nowhere' }, '17.9'), '17.4')
  })
})

test('a folder serves with both programs of one version alone, and not by the choice of Debian', async () => {
  await withFolder(async (folder) => {
    const half = await placePrograms(`${folder}/half`, '15.2', ['pg_dump'])
    const mixed = await placePrograms(`${folder}/mixed`, '15.2', ['pg_dump'])
    await placePrograms(mixed, '16.2', ['pg_restore'])
    const wrapped = `${folder}/wrapped`
    await placePrograms(folder, '15.2', ['pg_wrapper'])
    await mkdir(wrapped)
    for (const name of ['pg_dump', 'pg_restore']) await symlink(`${folder}/pg_wrapper`, `${wrapped}/${name}`)
    for (const bin of [half, mixed, wrapped]) {
      const said = await errorText(findDumpPrograms({ SCISSION_POSTGRES_BIN: bin, PATH: '' }, '15.1', '/nowhere'))
      assert.match(said, `No pg_dump was found (${bin} has `)
    }
  })
})

test('where there is no pg_dump, or an older one alone, the sentence says what to install', () => {
  assert.is(
    noDumpPrograms([{ folder: '/usr/bin', source: 'the PATH', fault: 'has no pg_dump' }], '16.3').message,
    "No pg_dump was found: install PostgreSQL's client programs, version 16 or later (on Debian and Ubuntu postgresql-client-16), or let SCISSION_POSTGRES_BIN name the folder that holds pg_dump and pg_restore.",
  )
  const old = [
    { folder: '/a', source: 'the PATH', version: '14.9' },
    { folder: '/b', source: '/usr/lib/postgresql', version: '15.18' },
  ]
  assert.match(
    noDumpPrograms(old, '16.3').message,
    /^The monolith runs PostgreSQL 16\.3, and the newest pg_dump here is 15\.18 \(\/b\), which cannot dump it: install /,
  )
  assert.is(noDumpPrograms(old, '16.3').exitCode, 4)
})

test('a program serves for servers of its own major version and of older ones', () => {
  assert.ok(servesFor('15.2', '15.18'))
  assert.ok(servesFor('17.0', '14.1'))
  assert.not(servesFor('15.18', '16.0'))
  assert.ok(canProve('17.2', '15.1', '17.0'))
  assert.not(canProve('16.2', '15.1', '17.0'), 'what pg_dump 17 writes a server 16 may not understand')
  assert.not(canProve('14.2', '15.1', '15.1'))
})

test('a proof that has no server to restore into, or one without an extension, says what to install', async () => {
  assert.match(noScratchPrograms(['15.18', '15.18'], '16.3', '17.1').message, 'version 17 or later')
  assert.match(noScratchPrograms(['15.18', '15.18'], '16.3', '17.1').message, 'there is 15.18 here: install one')
  const none = findScratchPrograms({ PATH: '' }, '99.1', { folder: '/nowhere', version: '99.1' })
  assert.match(await errorText(none), '--prove needs a PostgreSQL server of version 99 or later')
  assert.match(noScratchPrograms([], '16.3', '16.1').message, 'there is none here')
  assert.throws(
    () => refuseMissing(['postgis', 'vector'], '15.18'),
    /extensions postgis, vector, which the PostgreSQL 15\.18 here/,
  )
  assert.not.throws(() => refuseMissing([], '15.18'))
})

test('no secret stands among the arguments of a program, and all of the way there in its environment', async () => {
  const url = 'postgres://app:p%40ss@db.example:6432/shop?options=-c%20role%3Downer'
  const place = { host: 'db.example', port: 6432, user: 'app', password: 'p@ss', database: 'shop' }
  const { environment, files } = await programEnvironment(place, url)
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGOPTIONS, PGSSLMODE, LC_ALL } = environment
  assert.equal(
    [PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGOPTIONS, PGSSLMODE, LC_ALL],
    ['db.example', '6432', 'app', 'p@ss', 'shop', '-c role=owner', undefined, 'C'],
  )
  assert.equal(files, {})
  const args = dumpArguments({ folder: '/backups/today.partial/dump-1', snapshot: '00000003-1', jobs: 3 })
  assert.not.match(args.join(' '), 'p@ss')
  assert.ok(args.includes('--jobs=3') && args.includes('--snapshot=00000003-1'))
})

test('TLS is as strict as the sessions of ours have it', () => {
  const variables = (query: string, mode?: string): Record<string, string> =>
    tlsVariables(new URLSearchParams(query), mode)
  const own = '{folder}/roots.pem'
  assert.equal(variables(''), {})
  assert.equal(variables('sslmode=disable&sslrootcert=/ca'), { PGSSLMODE: 'disable' })
  assert.equal(variables('sslmode=require'), { PGSSLMODE: 'verify-full', PGSSLROOTCERT: own })
  assert.equal(variables('ssl=true'), { PGSSLMODE: 'verify-full', PGSSLROOTCERT: own })
  assert.equal(variables('sslmode=no-verify'), { PGSSLMODE: 'require' })
  assert.equal(variables('sslmode=require&uselibpqcompat=true'), { PGSSLMODE: 'require' })
  assert.equal(variables('', 'require'), { PGSSLMODE: 'verify-full', PGSSLROOTCERT: own })
  assert.equal(variables('sslmode=verify-full&sslrootcert=/ca&sslcert=/c&sslkey=/k'), {
    PGSSLMODE: 'verify-full',
    PGSSLCERT: '/c',
    PGSSLKEY: '/k',
    PGSSLROOTCERT: '/ca',
  })
})

test('files of certificates are those of the folder that the command runs in, and not of the program', () => {
  const url = new URL('postgres://host/shop?sslmode=verify-full&sslrootcert=ca.pem&sslcert=./tls/c.pem&sslkey=../k.pem')
  assert.equal(tlsVariables(url.searchParams, undefined, '/home/operator'), {
    PGSSLMODE: 'verify-full',
    PGSSLCERT: '/home/operator/tls/c.pem',
    PGSSLKEY: '/home/k.pem',
    PGSSLROOTCERT: '/home/operator/ca.pem',
  })
})

test('of what a program prints its first error is told, on one line', () => {
  const lines = [
    'pg_dump: dumping contents of table "public.a"',
    'pg_dump: error: query failed: ERROR:  permission denied for table a',
    'pg_dump: detail: Query was: LOCK TABLE public.a IN ACCESS SHARE MODE',
  ]
  assert.is(complaintOf(lines, 1), 'query failed: ERROR:  permission denied for table a')
  const restored = [
    'pg_restore: from TOC entry 3; 3079 16385 EXTENSION hstore (no owner)',
    'pg_restore: error: could not execute query: ERROR:  could not open extension control file',
    'HINT:  The extension must first be installed.',
    'Command was: CREATE EXTENSION hstore',
  ]
  assert.match(complaintOf(restored, 1), /control file HINT: {2}The extension must first be installed$/)
  assert.is(complaintOf(['something else'], 3), 'it ended with status 3')
  assert.is(complaintOf([], 'lost'), 'it was killed')
  assert.is(complaintOf([`pg_dump: error: ${'x'.repeat(5000)}`], 1).length, 600)
})

test('a server that refuses pg_dump is not a lost one, and one that does not answer is', () => {
  const at = 'connection to server at "db.example" (10.0.0.1), port 5432 failed:'
  const first = 'connection to server at "db.example" (::1), port 5432 failed: Connection refused'
  const codeOf = (complaint: string): number => dumpFailure('/b/t', complaint).exitCode
  const refused = [
    `${at} FATAL:  password authentication failed for user "reader"`,
    `${at} SSL error: certificate verify failed`,
    `${at} server does not support SSL, but SSL was required`,
    `${at} root certificate file "/ca.pem" does not exist`,
    `${first} ${at} FATAL:  no pg_hba.conf entry for host "10.0.0.2"`,
  ]
  for (const complaint of refused) {
    assert.is(codeOf(complaint), 4, complaint)
    assert.ok(dumpFailure('/b/t', complaint).message.includes(complaint))
  }
  const lost = [
    `${at} Connection refused Is the server running on that host and accepting TCP/IP connections?`,
    `${at} timeout expired`,
    `${at} Connection timed out`,
    `${at} server closed the connection unexpectedly`,
    `${at} FATAL:  the database system is shutting down`,
    'query failed: FATAL:  terminating connection due to administrator command',
  ]
  for (const complaint of lost) assert.is(codeOf(complaint), 5, complaint)
})

test('no value of a row is in what is told of an error, and names are', () => {
  const told = (...lines: string[]): string => complaintOf(lines, 1)
  const failed = 'pg_restore: error: COPY failed for table "person":'
  const row = 'DETAIL:  Failing row contains (1, secret'
  const context = 'CONTEXT:  COPY person, line 1: "1\tsecret"'
  assert.is(
    told(
      `${failed} ERROR:  new row for relation "person" violates check constraint "adult"`,
      row,
      ' secret).',
      context,
    ),
    'COPY failed for table "person": ERROR:  new row for relation "person" violates check constraint "adult"',
  )
  assert.is(
    told(`${failed} ERROR:  invalid input syntax for type integer: "se"cret`, 'of "relation "two" lines"', context),
    'COPY failed for table "person": ERROR:  invalid input syntax for type integer: …',
  )
  assert.match(told(`${failed} ERROR:  value "secret" is out of range for type integer`), 'value … is out of range for')
  assert.match(told(`${failed} ERROR:  invalid input syntax for type json: "secret`, context), /type json: …$/)
  const unique = 'pg_restore: error: could not execute query: ERROR:  could not create unique index "person_email"'
  assert.is(
    told(unique, 'DETAIL:  Key (email)=(secret', 'HINT:  secret) is duplicated.', context),
    'could not execute query: ERROR:  could not create unique index "person_email"',
  )
  const away = 'connection to server at "db.example" (10.0.0.1), port 5432 failed: FATAL:  no role "reader"'
  assert.is(told(`pg_dump: error: ${away}`), away)
})

test('a full disk, a migration in the way and anything else have sentences of their own', () => {
  assert.ok(isOutOfRoom('could not write to file "x": No space left on device'))
  assert.match(dumpFailure('/backups/today', 'No space left on device').message, 'The file system of /backups is full')
  assert.match(
    dumpFailure('/b/t', 'could not obtain lock on relation "a"').message,
    'a migration wants one of its tables',
  )
  assert.match(dumpFailure('/b/t', 'schema "x" is odd').message, 'put that right, then run backup again.')
  const lost = dumpFailure('/b/t', 'query failed: server closed the connection unexpectedly')
  assert.equal([lost.exitCode, lost.message.includes('see that the server runs')], [5, true])
  assert.is(restoreFailure('/b/t.partial', 'No space left on device').exitCode, 4)
  assert.is(restoreFailure('/b/t.partial', 'invalid input').exitCode, 3)
})

test.run()
