import { unreachable } from '../../contracts/failure.ts'
import type { ServiceLag } from './service-lag.ts'

/** What an operator must know, and can do. */
export interface Advice {
  /** Sentences that go on behind the name of what they are about. */
  readonly text: string
  /** What to run; null where no command helps. */
  readonly command: string | null
}

type Advised = Pick<ServiceLag, 'service' | 'status' | 'epoch' | 'phase' | 'parked' | 'stopped' | 'replay'>

/** What to do about a service; null where nothing is to be done. docs/lag.md says it at more length. */
export function adviceOf({ epoch, parked, phase, replay, service, status, stopped }: Advised): Advice | null {
  switch (status) {
    case 'ok':
      return replay === 'unfinished' ? unfinishedAdvice(service) : null
    case 'warning':
      return {
        text: 'works, and has fallen further behind at each of the last looks. See what its database waits for, or give it more resources.',
        command: null,
      }
    case 'stall':
      return {
        text: 'has a consumer that does not move though there is something to do. It may wait for a lock, or hang.',
        command: null,
      }
    case 'stop':
      if (replay === 'running')
        return { text: 'is being rebuilt by a replay. Start its consumer when that has ended.', command: null }
      if (stopped !== null) return stoppedAdvice(service, stopped)
      if (replay === 'unfinished')
        return {
          text: `is consumed by nobody, and a replay of it was begun and not ended. Let it go on, or remove it with replay ${service} --discard; then start a consumer.`,
          command: `scission replay ${service}`,
        }
      return {
        text:
          epoch === 0 && phase === 'waiting'
            ? 'is consumed by nobody yet. Start a consumer.'
            : 'is consumed by nobody. See why its consumer ended, and start one.',
        command: `scission consume ${service}`,
      }
    case 'parked':
      return {
        text: `works, and has ${parked.toLocaleString('en-US')} ${parked === 1 ? 'change' : 'changes'} set aside, with every later change of the same rows.`,
        command: `scission parked list ${service}`,
      }
    default:
      return unreachable(status)
  }
}

/** It goes on consuming; only the room is missing. */
function unfinishedAdvice(service: string): Advice {
  return {
    text: 'works, and keeps a second copy of its tables, of a replay that was begun and not ended. End its consumer, then let the replay go on, or remove that.',
    command: `scission replay ${service} --discard`,
  }
}

/** A consumer that is started again would stop at the same transaction, unless something was done about that. */
function stoppedAdvice(service: string, { position, reason, state }: NonNullable<ServiceLag['stopped']>): Advice {
  switch (state) {
    case 'stopped':
      return {
        text: `stopped at ${position}: ${sentence(reason)} Put the row right and consume again, or set the transaction aside.`,
        command: `scission parked add ${service} ${position}`,
      }
    case 'chosen':
      return {
        text: `stopped at ${position}, which is chosen to be set aside: that is done when it is consumed again.`,
        command: `scission consume ${service}`,
      }
    default:
      return unreachable(state)
  }
}

/** Text that ends as a sentence does. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
