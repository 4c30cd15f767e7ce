import type { EventSourceMessage } from 'eventsource-parser'
import type { PageEvent, SentLook } from './page-state.ts'
import type { GivenHistory } from './series.ts'

/** Null where the page has no use for it. */
export function eventOf(
  { data, event }: Pick<EventSourceMessage, 'data' | 'event'>,
  nowMs: number,
): PageEvent | 'unreadable' | null {
  if (event !== 'history' && event !== 'look') return null
  try {
    const value: unknown = JSON.parse(data)
    // The server is of the same release as the page.
    return event === 'history'
      ? { type: 'history', history: value as GivenHistory, nowMs }
      : { type: 'look', look: value as SentLook, nowMs }
  } catch {
    return 'unreadable'
  }
}
