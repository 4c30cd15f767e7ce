import type { Notice } from '../infra/notice.ts'

/** What a consumer tells whoever watches it: facts, in the past tense, with nothing to decide. */
export type ConsumerEvent =
  | {
      readonly type: 'phase-entered'
      readonly service: string
      readonly phase: 'waiting' | 'loading' | 'indexing' | 'following'
    }
  | {
      readonly type: 'pages-loaded'
      readonly service: string
      readonly entity: string
      readonly pages: number
      readonly rows: number
      readonly bytes: number
    }
  | { readonly type: 'expectation-known'; readonly service: string; readonly entity: string; readonly rows: number }
  | {
      readonly type: 'object-built'
      readonly service: string
      readonly entity: string
      readonly kind: 'key' | 'index' | 'foreign key'
      readonly name: string
    }
  | {
      readonly type: 'changes-applied'
      readonly service: string
      readonly transactions: number
      readonly changes: number
      /** Whether they had to be applied one by one, since all together met a constraint. */
      readonly oneByOne: boolean
    }
  | {
      readonly type: 'notice'
      readonly service: string
      readonly text: string
      /** Something is wrong. */
      readonly isFault?: true
    }

/** How one service's consumer ended. */
export interface ConsumeOutcome {
  readonly service: string
  readonly epoch: number
  readonly tables: number
  /** Rows in the service's tables by the ledger, and rows and bytes that this run loaded. */
  readonly rows: number
  readonly loadedRows: number
  readonly loadedBytes: number
  /** Changes that this run applied. */
  readonly appliedChanges: number
  readonly seconds: number
}

/** Reports what is noticed of a service. */
export function noticeOf(service: string, report: (event: ConsumerEvent) => void): Notice {
  return (text, kind) => report({ type: 'notice', service, text, ...(kind === 'fault' && { isFault: true }) })
}
