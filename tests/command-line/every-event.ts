import type { ConsumerEvent } from '../../consumers/events.ts'
import type { StepDone } from '../../consumers/replay/events.ts'
import type { VerifyEvent } from '../../infra/verify/events.ts'
import type { PublisherEvent } from '../../publisher/events.ts'

/** One of each type: the compiler misses a new one here. */
type OneOfEach<Event extends { readonly type: string }> = {
  readonly [Type in Event['type']]: Extract<Event, { readonly type: Type }>
}

const ORDER = { service: 'sales', entity: 'Order' } as const

export const PUBLISHER_EVENTS: OneOfEach<PublisherEvent> = {
  'epoch-begun': { type: 'epoch-begun', epoch: 2, slot: 'shop', consistencyPoint: '0/10' },
  'snapshot-planned': {
    type: 'snapshot-planned',
    entities: [
      { ...ORDER, estimatedRows: 10, tableBytes: 100, chunks: 1 },
      { service: 'sales', entity: 'Line', estimatedRows: 30, tableBytes: 300, chunks: 2 },
    ],
  },
  'entity-resumed': {
    type: 'entity-resumed',
    ...ORDER,
    attempt: 1,
    isFinished: false,
    openChunks: 1,
    pages: 2,
    rows: 20,
    bytes: 200,
  },
  'page-stored': { type: 'page-stored', ...ORDER, rows: 10, bytes: 100 },
  'entity-completed': { type: 'entity-completed', ...ORDER, rows: 10, bytes: 100 },
  'manifest-closed': { type: 'manifest-closed', service: 'sales' },
  'following-begun': { type: 'following-begun', slot: 'shop', from: '0/20' },
  'changes-stored': { type: 'changes-stored', service: 'sales', changes: 3 },
  notice: { type: 'notice', text: 'NATS does not answer: waiting for it, up to 900 s.' },
}

export const CONSUMER_EVENTS: OneOfEach<ConsumerEvent> = {
  'phase-entered': { type: 'phase-entered', service: 'sales', phase: 'indexing' },
  'pages-loaded': { type: 'pages-loaded', ...ORDER, pages: 2, rows: 10, bytes: 100 },
  'expectation-known': { type: 'expectation-known', ...ORDER, rows: 10 },
  'object-built': { type: 'object-built', ...ORDER, kind: 'foreign key', name: 'Order_customer_fkey' },
  'changes-applied': { type: 'changes-applied', service: 'sales', transactions: 2, changes: 3, oneByOne: false },
  notice: { type: 'notice', service: 'sales', text: 'The broker came back with an older store: reading again.' },
}

/** It tells a consumer's events too. */
export const REPLAY_EVENTS: OneOfEach<StepDone> = {
  'step-done': { type: 'step-done', service: 'sales', step: 'loaded', detail: '40 rows in 2 tables', seconds: 1.5 },
}

export const VERIFY_EVENTS: OneOfEach<VerifyEvent> = {
  'service-begun': { type: 'service-begun', service: 'sales', tables: 2, rows: 40 },
  'table-read': { type: 'table-read', ...ORDER, rows: 10, equal: false },
  'log-rows-read': { type: 'log-rows-read', ...ORDER, pages: 1, ofPages: 2 },
  'service-verified': { type: 'service-verified', service: 'sales', verified: true, seconds: 1.5 },
  'references-counted': { type: 'references-counted', references: 1, ofReferences: 2 },
}
