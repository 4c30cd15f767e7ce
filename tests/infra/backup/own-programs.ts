import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { findDumpPrograms } from '../../../infra/backup/dump-programs.ts'

/** Stands for the real program in a script. */
export const REAL = '{real}'

/** What a program does when it is asked for more than its version: itself, if nothing else is given. */
export interface OwnScripts {
  readonly pg_dump?: string
  readonly pg_restore?: string
}

/**
 * A folder of programs that are scripts of ours around the real ones, for what cannot be timed or brought about otherwise;
 * and the environment in which they are found first.
 */
export async function placeOwnPrograms(folder: string, scripts: OwnScripts): Promise<Record<string, string>> {
  const real = await findDumpPrograms(process.env, '14')
  const bin = `${folder}/bin`
  await mkdir(bin)
  for (const name of ['pg_dump', 'pg_restore'] as const) {
    const script = scripts[name] ?? `exec ${REAL} "$@"`
    const lines = ['#!/bin/sh', `case "$1" in --version) exec ${REAL} --version;; esac`, script, '']
    await writeFile(`${bin}/${name}`, lines.join('\n').replaceAll(REAL, `${real.folder}/${name}`))
    await chmod(`${bin}/${name}`, 0o755)
  }
  return { SCISSION_POSTGRES_BIN: bin, PATH: process.env['PATH'] ?? '' }
}
