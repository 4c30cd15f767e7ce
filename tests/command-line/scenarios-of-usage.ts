import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, runCommand } from './run-command.ts'
import { SHOP_CONTRACTS, withFolder } from './shop.ts'

export type Scenario = () => Promise<CommandResult>

const NATS_URL = 'nats://user:hidden-1@127.0.0.1:1'
const IAM_DATABASE_URL = 'postgres://iam:hidden-2@127.0.0.1:1/iam'

/** A complete environment for `consume iam`, whose servers are not there. */
const IAM = { NATS_URL, IAM_DATABASE_URL }

function command(...args: string[]): Scenario {
  return async () => await runCommand(args)
}

/** `consume iam` with a setting that is wrong. */
function consumeIam(environment: Readonly<Record<string, string>>): Scenario {
  return async () => await runCommand(['consume', 'iam'], { environment: { ...IAM, ...environment } })
}

/** `consume iam` in a folder with a configuration file of this content. */
function withFile(content: string): Scenario {
  return async () =>
    await withFolder(async (folder) => {
      await writeFile(join(folder, 'scission.config.json'), content)
      return await runCommand(['consume', 'iam'], { environment: IAM, folder })
    })
}

/** `verify` with a module of contracts of this content. */
function withContracts(content: string): Scenario {
  return async () =>
    await withFolder(async (folder) => {
      await writeFile(join(folder, 'contracts.mts'), content)
      const environment = { NATS_URL, SALES_DATABASE_URL: IAM_DATABASE_URL, SCISSION_CONTRACTS: './contracts.mts' }
      return await runCommand(['verify'], { environment, folder })
    })
}

/** What the command line and the configuration refuse, before any server is asked. */
export const USAGE_SCENARIOS: Readonly<Record<string, Scenario>> = {
  'no-verb': command(),
  'unknown-verb': command('publsh'),
  'unknown-flag': command('publish', '--snapshot-ony'),
  'bad-flag-value': command('publish', '--snapshot-only', '--readers', 'many'),
  'extra-argument': command('publish', 'iam'),
  'follow-without-slot': command('publish', '--no-slot'),
  'wait-for-no-lag': command('lag', '--wait', '10s'),
  'lag-for-ever': command('lag', '--follow', '--max-lag', '5s'),
  'lag-for-eye-and-program': command('lag', '--watch', '--follow'),
  'lag-without-terminal': command('lag', '--watch'),
  'no-parked-action': command('parked'),
  'unknown-parked-action': command('parked', 'retyr'),
  'no-position': command('parked', 'discard', 'iam', 'noon'),
  'snapshot-and-marker': command('publish', '--snapshot-only', '--until-marker', 'lunch'),
  'no-service': command('consume'),
  'all-and-services': command('consume', 'iam', '--all'),
  'replay-as-it-was': command('replay', 'iam', '--until', '0/16B3748'),
  'replay-two-places': command('replay', 'iam', '--into', 'postgres://iam@127.0.0.1:1/other', '--dry-run'),
  'replay-in-place-flag': command('replay', 'iam', '--merge', '--dry-run'),
  'replay-no-offset': async () =>
    await runCommand(['replay', 'iam', '--dry-run', '--until', '2026-03-01T12:00:00'], { environment: IAM }),
  'replay-into-password': async () =>
    await runCommand(['replay', 'iam', '--into', 'postgres://iam:hidden-11@127.0.0.1:1/other'], { environment: IAM }),
  'replay-unknown-entity': async () => await runCommand(['replay', 'iam', '--entity', 'Uesr'], { environment: IAM }),
  'unknown-service': async () => await runCommand(['consume', 'modelling'], { environment: IAM }),
  'demo-too-small': command('demo', '--elements', '3'),
  'missing-url': async () => await runCommand(['consume', 'iam'], { environment: { NATS_URL } }),
  'several-mistakes': command('consume', 'iam'),
  'malformed-url': consumeIam({ IAM_DATABASE_URL: 'mysql://iam:hidden-3@host/iam' }),
  'unencoded-password': consumeIam({ IAM_DATABASE_URL: 'postgres://iam:1/hidden-4@host/iam' }),
  'url-without-database': consumeIam({ IAM_DATABASE_URL: 'postgres://iam:hidden-5@host' }),
  'malformed-nats-url': consumeIam({ NATS_URL: 'http://user:hidden-6@host' }),
  'shared-database': consumeIam({ CHAT_DATABASE_URL: IAM_DATABASE_URL }),
  'unknown-setting': consumeIam({ SCISSION_LOADER: '2' }),
  'bad-prefix': consumeIam({ SCISSION_PREFIX: 'Staging-1' }),
  'bad-number': consumeIam({ SCISSION_LOADERS: '0' }),
  // Of a verb that ends at once: another's sentence would be in JSON.
  'bad-log': async () => await runCommand(['verify', 'iam'], { environment: { ...IAM, SCISSION_LOG: 'loud' } }),
  'missing-credentials': consumeIam({ NATS_CREDENTIALS_FILE: '/nowhere/user.creds' }),
  'missing-config-file': async () =>
    await runCommand(['consume', 'iam', '--config', '/nowhere/settings.json'], { environment: IAM }),
  'config-not-json': withFile('{ "IAM_DATABASE_URL": "postgres://iam:hidden-7@host/iam", }'),
  'config-not-object': withFile('["NATS_URL"]'),
  'config-bad-value': withFile('{ "SCISSION_LOADERS": true }'),
  'missing-contracts': consumeIam({ SCISSION_CONTRACTS: '/nowhere/contracts.ts' }),
  'contracts-without-default': withContracts('export const set = 1'),
  'contracts-of-another-kind': withContracts('export default { services: [] }'),
  'contracts-that-throw': withContracts('throw new RangeError("not today")'),
  'contracts-with-mistakes': withContracts(SHOP_CONTRACTS.replace("key: ['id']", "key: ['note']")),
}
