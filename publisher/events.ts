import type { Notice } from '../infra/notice.ts'

/** What a publisher tells whoever watches it: facts, in the past tense, with nothing to decide. */
export type PublisherEvent =
  | {
      readonly type: 'epoch-begun'
      readonly epoch: number
      readonly slot: string | null
      readonly consistencyPoint: string
    }
  | { readonly type: 'snapshot-planned'; readonly entities: readonly PlannedEntity[] }
  | {
      /** What the log holds already of an entity that an earlier run has begun: nothing, where that is void. */
      readonly type: 'entity-resumed'
      readonly service: string
      readonly entity: string
      readonly attempt: number
      readonly isFinished: boolean
      /** How many chunks are not closed. */
      readonly openChunks: number
      readonly pages: number
      readonly rows: number
      readonly bytes: number
    }
  | {
      readonly type: 'page-stored'
      readonly service: string
      readonly entity: string
      readonly rows: number
      readonly bytes: number
    }
  | {
      readonly type: 'entity-completed'
      readonly service: string
      readonly entity: string
      readonly rows: number
      readonly bytes: number
    }
  | { readonly type: 'manifest-closed'; readonly service: string }
  /** From here on changes are received; `from` is where the slot is confirmed. */
  | { readonly type: 'following-begun'; readonly slot: string; readonly from: string }
  | { readonly type: 'changes-stored'; readonly service: string; readonly changes: number }
  | {
      readonly type: 'notice'
      readonly text: string
      /** Something is wrong. */
      readonly isFault?: true
    }

export interface PlannedEntity {
  readonly service: string
  readonly entity: string
  /** The planner's estimate: progress alone may rest on it. */
  readonly estimatedRows: number
  readonly tableBytes: number
  readonly chunks: number
}

/** How a publication ended. */
export interface PublishOutcome {
  /** `already closed`: the manifest was there and nothing was done. */
  readonly outcome: 'closed' | 'already closed'
  readonly epoch: number
  readonly consistencyPoint: string
  readonly slot: SlotRetention | null
  readonly services: readonly PublishedService[]
  /** The marker's position with which following ended; null where nothing was followed. */
  readonly followedTo: string | null
  readonly seconds: number
}

export interface PublishedService {
  readonly service: string
  readonly entities: readonly {
    readonly entity: string
    readonly rows: number
    readonly pages: number
    readonly bytes: number
  }[]
}

/** The slot that a snapshot keeps for the changes after it, and the WAL that the monolith holds for it. */
export interface SlotRetention {
  readonly name: string
  readonly retainedBytes: number
  /** What may still be written before PostgreSQL gives the slot up; null where nothing limits it. */
  readonly safeBytes: number | null
}

/** Reports what is noticed. */
export function noticeOf(report: (event: PublisherEvent) => void): Notice {
  return (text, kind) => report({ type: 'notice', text, ...(kind === 'fault' && { isFault: true }) })
}
