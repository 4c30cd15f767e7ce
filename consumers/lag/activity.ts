import type { ServiceLag } from './service-lag.ts'

/** What a service does, in one word: its phase, as long as its consumer works. */
export type Activity = 'waiting' | 'loading' | 'indexing' | 'following' | 'stalled' | 'stopped' | 'parked'

export function activityOf({ phase, status }: Pick<ServiceLag, 'phase' | 'status'>): Activity {
  if (status === 'stop') return 'stopped'
  if (status === 'stall') return 'stalled'
  return status === 'parked' ? 'parked' : phase
}
