/** The parts of a backup, in their order; `scratch`, `restore` and `compare` belong to the proof. */
export type BackupPhase = 'scratch' | 'snapshot' | 'dump' | 'digests' | 'read back' | 'restore' | 'compare'

/** What a part has done so far, or in all; what is null has no meaning there. */
export interface Progress {
  readonly tables: number | null
  readonly ofTables: number | null
  readonly rows: number | null
  readonly files: number | null
  readonly bytes: number | null
}

export const NO_PROGRESS: Progress = { tables: null, ofTables: null, rows: null, files: null, bytes: null }

/** What a backup reports while it is under way. A part that fails has no end: the failure is thrown. */
export type BackupEvent =
  | { readonly type: 'phase-begun'; readonly phase: BackupPhase }
  | { readonly type: 'phase-moved'; readonly phase: BackupPhase; readonly progress: Progress }
  | { readonly type: 'phase-ended'; readonly phase: BackupPhase; readonly progress: Progress; readonly about: string }
  | { readonly type: 'notice'; readonly text: string }

export type Report = (event: BackupEvent) => void

/**
 * Announces a part, runs it, and announces its end.
 * @param summary what it came to, and a word about it, such as a version.
 */
export async function inPhase<Result>(
  report: Report,
  phase: BackupPhase,
  action: (move: (progress: Partial<Progress>) => void) => Promise<Result>,
  summary: (result: Result) => Partial<Progress> & { readonly about?: string },
): Promise<Result> {
  report({ type: 'phase-begun', phase })
  const result = await action((progress) =>
    report({ type: 'phase-moved', phase, progress: { ...NO_PROGRESS, ...progress } }),
  )
  const { about = '', ...progress } = summary(result)
  report({ type: 'phase-ended', phase, progress: { ...NO_PROGRESS, ...progress }, about })
  return result
}
