import { spawn } from 'node:child_process'
import type { ServerUser } from './unprivileged-user.ts'

/** Environment variables, as the process has them or as a test makes them up. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a short-lived program said, and how it ended; a `null` status means that it could not be run, or was killed. */
export type ProgramResult = { readonly status: number | null; readonly output: string }

const PROGRAM_TIMEOUT_MS = 20_000

/**
 * Runs a program that ends by itself, as `user` where one is given, and collects what it prints. Never throws: a
 * program that cannot be started is a result like any other, since the callers look for one that can.
 */
export function runProgram(program: string, args: readonly string[], user?: ServerUser): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...user?.ids, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), PROGRAM_TIMEOUT_MS)
    let output = ''
    const collect = (chunk: Buffer) => (output += chunk.toString('utf8'))
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const settle = (status: number | null, text: string) => {
      clearTimeout(timer)
      resolve({ status, output: text.trim() })
    }
    child.on('error', (error) => settle(null, error.message))
    child.on('close', (status) => settle(status, output))
  })
}
