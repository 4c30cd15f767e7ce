import { Failure } from '../../contracts/failure.ts'
import { runProgram } from './run-program.ts'

/** The user that the servers run as. `ids` is absent where they run as whoever started us. */
export type ServerUser = { readonly ids?: { readonly uid: number; readonly gid: number } }

/** The accounts that may run the servers, the best one first. */
const CANDIDATES = ['postgres', 'nobody'] as const

/**
 * PostgreSQL refuses to run as root, and a broker that listens has no need to: so root hands both to an unprivileged
 * account. Anyone else runs them as themselves.
 */
export async function findServerUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return {}
  for (const name of CANDIDATES) {
    const user = await lookUp(name)
    if (user) return user
  }
  throw new Failure(
    4,
    `PostgreSQL refuses to run as root, and this system has no account named ${CANDIDATES.join(' or ')} to run it as: start Scission as an ordinary user.`,
  )
}

async function lookUp(name: string): Promise<ServerUser | undefined> {
  const [uid, gid] = await Promise.all([runProgram('id', ['-u', name]), runProgram('id', ['-g', name])])
  if (uid.status !== 0 || gid.status !== 0) return undefined
  const user = { ids: { uid: Number(uid.output), gid: Number(gid.output) } }
  // A user namespace may know the name and still refuse to become it.
  const trial = await runProgram('true', [], user)
  return trial.status === 0 ? user : undefined
}
