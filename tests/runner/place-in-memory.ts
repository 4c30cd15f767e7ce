import { statfs } from 'node:fs/promises'

/** Linux has a file system in memory there. Manual: "tmpfs(5)". */
const SHARED_MEMORY = '/dev/shm'

/** Far more than a run's servers ever hold of data, WAL and streams, which is some hundred megabytes. */
const ROOM_BYTES = 8 * 2 ** 30

/**
 * Where the servers of a run keep their files, if memory has room for them: a run makes and drops some thousand databases of
 * three hundred files each, and to make the files of one takes a disk's file system five times the processor time.
 */
export async function placeInMemory(folder = SHARED_MEMORY): Promise<string | undefined> {
  const found = await statfs(folder).catch(() => null)
  if (found === null) return undefined
  return roomIn(found.bavail * found.bsize, process.availableMemory()) ? folder : undefined
}

/** @param memoryBytes what the machine, or the container, has left. */
export function roomIn(folderBytes: number, memoryBytes: number): boolean {
  return Math.min(folderBytes, memoryBytes) >= ROOM_BYTES
}
