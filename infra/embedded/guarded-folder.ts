import { removeAbandonedFolders } from './abandoned-folders.ts'
import { startGuard, type GuardedProgram, type ProgramEnd } from './guard.ts'
import { createPrivateFolder, privateFolderPlaces } from './private-folder.ts'
import { findServerUser, type ServerUser } from './unprivileged-user.ts'

/** A private folder that goes when `remove` is called, or when this process ends in any way, with what runs over it. */
export type GuardedFolder = {
  readonly path: string
  /** Whose it is, and who everything in it runs as. */
  readonly user: ServerUser
  /** Starts a program over the folder. The one before has to have ended. */
  run(program: GuardedProgram): Promise<{ readonly ended: Promise<ProgramEnd> }>
  /** Ends what runs, removes the folder, and waits for both. May be called again. */
  remove(): Promise<void>
}

/** Ends at once: its guard is there for the folder's sake alone. */
const NOTHING: GuardedProgram = { program: 'true', args: [], environment: {}, signal: 'TERM', graceMs: 0 }

/**
 * Makes a private folder under guard, after having removed what earlier runs left behind. The guards relieve one
 * another, so that from now on the folder is never without one.
 *
 * @param place of the caller's, which comes before the usual ones.
 * @throws Failure where no folder can be made, or root finds no unprivileged user.
 */
export async function createGuardedFolder(place?: string): Promise<GuardedFolder> {
  const places = place === undefined ? privateFolderPlaces : [place, ...privateFolderPlaces]
  const user = await findServerUser()
  await removeAbandonedFolders(user, places)
  const path = await createPrivateFolder(user, places)
  let guard = await startGuard(path, user, NOTHING)
  return {
    path,
    user,
    run: async (program) => {
      const next = await startGuard(path, user, program)
      await guard.dismiss()
      guard = next
      return { ended: next.ended }
    },
    remove: () => guard.stop(),
  }
}

/** Makes a private folder under guard for as long as `use` fails; what it returns is then responsible for the folder. */
export async function keepIfDone<Result>(
  use: (folder: GuardedFolder) => Promise<Result>,
  place?: string,
): Promise<Result> {
  const folder = await createGuardedFolder(place)
  try {
    return await use(folder)
  } catch (error) {
    await folder.remove()
    throw error
  }
}
