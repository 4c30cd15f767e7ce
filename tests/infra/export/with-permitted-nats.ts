import { writeFile } from 'node:fs/promises'
import { connect } from 'nats'
import type { ContractSet } from '../../../contracts/language/contract-set.ts'
import { LOOPBACK } from '../../../infra/embedded/free-port.ts'
import { type GuardedFolder, keepIfDone } from '../../../infra/embedded/guarded-folder.ts'
import { findNatsBinary } from '../../../infra/embedded/nats-binary.ts'
import { giveToOwnerOf } from '../../../infra/embedded/own-folder.ts'
import { randomPassword, startOnFreePorts } from '../../../infra/embedded/server-start.ts'
import {
  type LogUser,
  natsPermissions,
  operatorUser,
  publisherUser,
  serviceUser,
} from '../../../infra/export/nats-permissions.ts'

/** A NATS server that lets in the users of an export, and nobody else. */
export interface PermittedNats {
  readonly operator: string
  readonly publisher: string
  /** The URL of a service's user. */
  service(name: string): string
}

/**
 * The server includes the exported file as it is, and takes the passwords from its environment, as the file says.
 * @param edit what an operator does to the file first.
 */
export async function withPermittedNats(
  set: ContractSet,
  prefix: string,
  use: (nats: PermittedNats) => Promise<void>,
  edit: (permissions: string) => string = (permissions) => permissions,
): Promise<void> {
  const users = [
    operatorUser(prefix),
    publisherUser(prefix),
    ...set.services.map((service) => serviceUser(prefix, service.name)),
  ]
  const passwords = new Map(users.map(({ user }) => [user, randomPassword()]))
  await keepIfDone(async (folder) => {
    const port = await start(folder, edit(natsPermissions({ set, prefix })), users, passwords)
    const url = ({ user }: LogUser): string => `nats://${user}:${passwords.get(user)}@${LOOPBACK}:${port}`
    await use({
      operator: url(operatorUser(prefix)),
      publisher: url(publisherUser(prefix)),
      service: (name) => url(serviceUser(prefix, name)),
    })
    await folder.remove()
  })
}

async function start(
  folder: GuardedFolder,
  permissions: string,
  users: readonly LogUser[],
  passwords: ReadonlyMap<string, string>,
): Promise<number> {
  const { program } = await findNatsBinary(process.env, folder)
  const environment = Object.fromEntries(
    users.map(({ user, passwordVariable }) => [passwordVariable, passwords.get(user) ?? '']),
  )
  const [first] = users
  const [port = 0] = await startOnFreePorts({
    name: 'NATS',
    folder,
    portCount: 1,
    program: async ([itsPort = 0]) => ({
      program,
      args: ['--config', await writeConfiguration(folder.path, permissions, itsPort)],
      environment,
      signal: 'TERM',
      graceMs: 5_000,
    }),
    answers: async ([itsPort = 0]) => {
      const connection = await connect({
        servers: `${LOOPBACK}:${itsPort}`,
        user: first?.user ?? '',
        pass: passwords.get(first?.user ?? '') ?? '',
        reconnect: false,
        timeout: 1_000,
      }).catch(() => null)
      await connection?.close()
      return connection !== null
    },
  })
  return port
}

async function writeConfiguration(folder: string, permissions: string, port: number): Promise<string> {
  const file = `${folder}/nats.conf`
  const lines = [
    `listen: "${LOOPBACK}:${port}"`,
    `jetstream { store_dir: ${JSON.stringify(`${folder}/jetstream`)}, sync_interval: always }`,
    'include ./nats-permissions.conf',
  ]
  await writeFile(`${folder}/nats-permissions.conf`, permissions)
  await writeFile(file, lines.join('\n'))
  await giveToOwnerOf(folder, file)
  await giveToOwnerOf(folder, `${folder}/nats-permissions.conf`)
  return file
}
