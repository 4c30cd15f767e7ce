import { loadContracts } from '../configuration/contract-module.ts'
import { type PostgresTarget, withSession } from '../postgres/session.ts'
import { sessionFailure } from '../postgres/session-failure.ts'
import { draftMonolith } from './draft-monolith.ts'
import type { Draft } from './draft.ts'
import type { GivenService } from './given-services.ts'
import { readMonolith } from './read-monolith.ts'
import { writeDraft } from './write-draft.ts'

export interface DraftOptions {
  readonly given: readonly GivenService[]
  /** Absolute; it is made where it is not there. */
  readonly folder: string
  /** Whether files of the same names may be replaced. */
  readonly force: boolean
  readonly signal?: AbortSignal
}

/**
 * Drafts a contract set from a live database and writes its modules. They are loaded once, as any command would load
 * them, so that what is said to be drafted can be used.
 * @returns the draft, and the paths of its files, `contract-set.ts` last.
 * @throws Failure 2 or 4, before anything is written.
 */
export async function draftDatabase(
  target: PostgresTarget,
  { given, folder, force, signal }: DraftOptions,
): Promise<{ readonly draft: Draft; readonly files: readonly string[] }> {
  const facts = await withSession(
    target,
    { purpose: 'contracts draft', ...(signal === undefined ? {} : { signal }) },
    readMonolith,
  ).catch((error: unknown) => {
    throw sessionFailure(target, error, 'run contracts draft again')
  })
  const draft = draftMonolith(facts, given)
  const files = await writeDraft(draft, facts.types, folder, force)
  const loaded = await loadContracts(files.at(-1) ?? folder, 'The draft')
  if ('mistake' in loaded) throw new Error(loaded.mistake)
  return { draft, files }
}
