import { createInterface } from 'node:readline/promises'
import { Failure } from '../../contracts/failure.ts'
import type { World } from './terminal.ts'

export interface Question {
  /** What will be done, as in `prepare would change …`. */
  readonly what: string
  readonly prompt: string
  /** Whether the answer agrees. */
  readonly agrees: (answer: string) => boolean
}

/** Asked before something is changed that can be undone. */
export function yesOrNo(what: string): Question {
  return { what, prompt: 'Go on? [y/N] ', agrees: (answer) => /^y(es)?$/i.test(answer.trim()) }
}

/** Asked before something is destroyed: a name is not typed out of habit. */
export function typedName(what: string, name: string): Question {
  return { what, prompt: `Type ${name} to go on: `, agrees: (answer) => answer.trim() === name }
}

/**
 * Asks on the terminal.
 * @throws Failure 4 where nobody can be asked, or the answer is no.
 */
export async function confirm(
  { stdin, stderr }: Pick<World, 'stdin' | 'stderr'>,
  { what, prompt, agrees }: Question,
  signal: AbortSignal,
): Promise<void> {
  if (stdin.isTTY !== true || stderr.isTTY !== true)
    throw new Failure(4, `${what}, and there is no terminal to ask on: add --yes to go on.`)
  const dialogue = createInterface({ input: stdin, output: stderr })
  // The dialogue takes Ctrl-C from the terminal, and would keep it to itself.
  dialogue.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const answer = await dialogue.question(prompt, { signal })
    if (!agrees(answer)) throw new Failure(4, 'Nothing was changed.')
  } finally {
    dialogue.close()
  }
}
