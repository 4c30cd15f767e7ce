import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import {
  readConfiguration,
  readMonolithConfiguration,
  readWatchedConfiguration,
} from '../../../infra/configuration/configuration.ts'
import { type ConfigurationRequest, givenUrls } from '../../../infra/configuration/given-values.ts'

const defaultContracts = fileURLToPath(new URL('../../../contracts/archimodeler/contract-set.ts', import.meta.url))

const NATS = { NATS_URL: 'nats://user:secret-of-nats@broker:4222' }
const IAM = { IAM_DATABASE_URL: 'postgres://iam:secret-of-iam@iam-host/iam' }
const MONOLITH = {
  MONOLITH_DATABASE_URL: 'postgresql://am:secret-of-am@monolith-host:5432/archimodeler?sslmode=require',
}

async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-configuration-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function request(
  folder: string,
  environment: ConfigurationRequest['environment'],
  configFile: string | null = null,
): ConfigurationRequest {
  return { environment, folder, configFile, defaultContracts }
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const outcome = await promise.then(
    () => new Error('Nothing was thrown'),
    (error: unknown) => error,
  )
  if (outcome instanceof Failure) return outcome
  throw outcome
}

test('one service needs its own URL and that of NATS, and nothing else', async () => {
  await withFolder(async (folder) => {
    const configuration = await readConfiguration(request(folder, { ...NATS, ...IAM }), ['iam'])
    assert.equal(
      configuration.services.map(({ service, database }) => [service.name, database]),
      [['iam', { title: 'the database of service iam', variable: 'IAM_DATABASE_URL', url: IAM.IAM_DATABASE_URL }]],
    )
    assert.equal(configuration.nats, { url: NATS.NATS_URL, credentialsFile: null, caFile: null })
    assert.is(configuration.prefix, 'archimodeler')
    assert.is(configuration.replicas, 1)
  })
})

test('a URL that a verb does not need is not judged', async () => {
  await withFolder(async (folder) => {
    const environment = { ...NATS, ...IAM, CHAT_DATABASE_URL: 'nonsense', MONOLITH_DATABASE_URL: 'nonsense' }
    assert.is((await readConfiguration(request(folder, environment), ['iam'])).services.length, 1)
  })
})

test('what is watched beside a verb lacks what is not configured, and says why', async () => {
  await withFolder(async (folder) => {
    const environment = { ...NATS, ...IAM, CHAT_DATABASE_URL: 'nonsense' }
    const { monolith, services, unset, unwatched } = await readWatchedConfiguration(request(folder, environment))
    assert.is(services.length, 10)
    assert.is(unwatched.get('IAM_DATABASE_URL'), undefined)
    assert.match(String(unwatched.get('CHAT_DATABASE_URL')), /^CHAT_DATABASE_URL is not a PostgreSQL URL: .*\.$/)
    assert.match(String(unwatched.get(monolith.variable)), /^MONOLITH_DATABASE_URL is not set: .*\.$/)
    assert.is(unwatched.size, 10)
    // A wrong URL was meant to be watched.
    assert.equal([unset.size, unset.has('CHAT_DATABASE_URL'), unset.has(monolith.variable)], [9, false, true])
  })
})

test('every mistake is reported at once, and no password with them', async () => {
  await withFolder(async (folder) => {
    const environment = {
      MONOLITH_DATABASE_URL: 'postgres//am:secret-1@host/db',
      IAM_DATABASE_URL: 'postgres://iam:2/secret@host/db',
      CHATS_DATABASE_URL: 'postgres://chat:secret-3@host/chat',
      NATS_URL: 'http://user:secret-4@broker',
      SCISSION_PREFIX: 'Staging.1',
      SCISSION_REPLICAS: '6',
      SCISSION_REDERS: '4',
    }
    const { exitCode, message } = await failureOf(
      readMonolithConfiguration(request(folder, environment), ['chat', 'iam', 'nobody']),
    )
    assert.is(exitCode, 2)
    assert.is(
      message,
      [
        'The configuration has 8 mistakes:',
        'SCISSION_REDERS is not a setting: did you mean SCISSION_READERS?',
        'There is no service nobody: the contract set archimodeler has iam, modeling, comments, notifications, workflow, stereotypes, connectors, settings, metamodel, chat.',
        'IAM_DATABASE_URL has an unencoded character in its password: write / as %2F, @ as %40, ? as %3F, # as %23, % as %25.',
        "CHAT_DATABASE_URL is not set: give the URL of service chat's database, as postgres://user:password@host:5432/database (CHATS_DATABASE_URL is set: is it meant?).",
        'MONOLITH_DATABASE_URL is not a PostgreSQL URL: give it as postgres://user:password@host:5432/database, with the password percent-encoded.',
        'NATS_URL is not a NATS URL: give it as nats://user:password@host:4222, with the password percent-encoded.',
        'SCISSION_PREFIX must be 1 to 31 lower-case letters, digits and _, and begin with a letter.',
        'SCISSION_REPLICAS must be a whole number from 1 to 5.',
      ].join('\n  - '),
    )
  })
})

test('the environment wins over the file, and an empty variable does not count', async () => {
  await withFolder(async (folder) => {
    await writeFile(
      join(folder, 'scission.config.json'),
      JSON.stringify({ ...NATS, ...IAM, SCISSION_PREFIX: 'staging', SCISSION_READERS: 7 }),
    )
    const environment = { SCISSION_PREFIX: 'production', NATS_URL: '' }
    const configuration = await readConfiguration(request(folder, environment), ['iam'])
    assert.is(configuration.prefix, 'production')
    assert.is(configuration.readers, 7)
    assert.is(configuration.nats.url, NATS.NATS_URL)
  })
})

test('a flag names the file before SCISSION_CONFIG does, and paths in it begin in its folder', async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, 'ca.pem'), '')
    await writeFile(join(folder, 'one.json'), JSON.stringify({ SCISSION_PREFIX: 'one', NATS_CA_FILE: 'ca.pem' }))
    await writeFile(join(folder, 'two.json'), JSON.stringify({ SCISSION_PREFIX: 'two' }))
    const environment = { ...NATS, ...IAM, SCISSION_CONFIG: join(folder, 'two.json') }
    const named = await readConfiguration(request('/', environment), ['iam'])
    assert.is(named.prefix, 'two')
    const flagged = await readConfiguration(request('/', environment, join(folder, 'one.json')), ['iam'])
    assert.is(flagged.prefix, 'one')
    assert.is(flagged.nats.caFile, join(folder, 'ca.pem'))
  })
})

test('a file that is named must be there; the default one need not', async () => {
  await withFolder(async (folder) => {
    const { message } = await failureOf(readConfiguration(request(folder, { ...NATS, ...IAM }, 'absent.json'), ['iam']))
    assert.is(
      message,
      `The configuration file ${folder}/absent.json, which --config names, cannot be read (ENOENT): correct its path or its permissions.`,
    )
  })
})

test('mistakes in a file are named with the file', async () => {
  await withFolder(async (folder) => {
    const file = join(folder, 'scission.config.json')
    await writeFile(
      file,
      JSON.stringify({
        ...IAM,
        ...NATS,
        NATS_ULR: 'x',
        SCISSION_PREFIX: '',
        SCISSION_LOADERS: 0,
        SCISSION_LOG: 'loud',
        NATS_CA_FILE: [],
      }),
    )
    const { message } = await failureOf(readConfiguration(request(folder, {}), ['iam']))
    assert.is(
      message,
      [
        'The configuration has 5 mistakes:',
        `NATS_CA_FILE in ${file} must be text or a number.`,
        `NATS_ULR in ${file} is not a setting: did you mean NATS_URL?`,
        `SCISSION_PREFIX in ${file} must be 1 to 31 lower-case letters, digits and _, and begin with a letter.`,
        `SCISSION_LOADERS in ${file} must be a whole number from 1 to 32.`,
        `SCISSION_LOG in ${file} must be auto, json or text.`,
      ].join('\n  - '),
    )
  })
})

test('a file that is not JSON is told by its line, and nothing of it is quoted', async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, 'scission.config.json'), '{\n  "NATS_URL": "nats://u:secret@h",\n}\n')
    const { message } = await failureOf(readConfiguration(request(folder, IAM), ['iam']))
    assert.match(message, /scission\.config\.json is not JSON( \(line 3\))?: correct it\./)
    assert.not.match(message, 'secret')
  })
})

test('two names for one database are refused, whatever the user and the spelling', async () => {
  await withFolder(async (folder) => {
    const environment = { ...NATS, ...IAM, MONOLITH_DATABASE_URL: 'postgresql://other:x@IAM-HOST:5432/iam' }
    const { message } = await failureOf(readConfiguration(request(folder, environment), ['iam']))
    assert.is(message, 'MONOLITH_DATABASE_URL and IAM_DATABASE_URL name the same database: each needs one of its own.')
  })
})

test('services come once and in the order of the set', async () => {
  await withFolder(async (folder) => {
    const environment = { ...NATS, ...IAM, CHAT_DATABASE_URL: 'postgres://host/chat' }
    const { services } = await readConfiguration(request(folder, environment), ['chat', 'iam', 'chat'])
    assert.equal(
      services.map(({ service }) => service.name),
      ['iam', 'chat'],
    )
  })
})

test('credentials that cannot be read are named with their path', async () => {
  await withFolder(async (folder) => {
    const environment = { ...NATS, ...IAM, NATS_CREDENTIALS_FILE: 'absent.creds' }
    const { message } = await failureOf(readConfiguration(request(folder, environment), ['iam']))
    assert.is(message, `NATS_CREDENTIALS_FILE names ${folder}/absent.creds, which cannot be read: correct the path.`)
  })
})

test("parameters of a URL pass through, and the monolith's URL is given as it is", async () => {
  await withFolder(async (folder) => {
    const { monolith } = await readMonolithConfiguration(request(folder, { ...NATS, ...MONOLITH }), [])
    assert.equal(monolith, {
      title: 'the monolith',
      variable: 'MONOLITH_DATABASE_URL',
      url: MONOLITH.MONOLITH_DATABASE_URL,
    })
  })
})

test('the URLs of the environment and the file are known to whoever hides their passwords', async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, 'scission.config.json'), JSON.stringify(NATS))
    assert.equal(await givenUrls(request(folder, IAM)), [NATS.NATS_URL, IAM.IAM_DATABASE_URL])
  })
})

test("the broker's monitoring port and sync_interval may be given, and are judged", async () => {
  await withFolder(async (folder) => {
    const read = async (more: Readonly<Record<string, string>>): Promise<(string | number | null)[]> => {
      const { natsMonitorUrl, natsSyncIntervalMs } = await readConfiguration(
        request(folder, { ...NATS, ...IAM, ...more }),
        ['iam'],
      )
      return [natsMonitorUrl, natsSyncIntervalMs]
    }
    const NATS_MONITOR_URL = 'http://host:8222'
    assert.equal(await read({ NATS_MONITOR_URL, NATS_SYNC_INTERVAL: '2m' }), [NATS_MONITOR_URL, 120_000])
    assert.equal(await read({ NATS_SYNC_INTERVAL: 'always' }), [null, 0])
    assert.equal(await read({}), [null, null])
    const { message } = await failureOf(read({ NATS_MONITOR_URL: 'host:8222', NATS_SYNC_INTERVAL: 'often' }))
    assert.match(message, 'NATS_MONITOR_URL is not the URL of a monitoring port: give it as http://host:8222.')
    const secret = await failureOf(read({ NATS_MONITOR_URL: 'http://ops:secret@host:8222' }))
    assert.match(secret.message, 'NATS_MONITOR_URL has a user or a password')
    assert.not.match(secret.message, 'secret')
    assert.match(message, 'NATS_SYNC_INTERVAL must be always, or a number with ms, s, m or h, such as 2m.')
  })
})

test.run()
