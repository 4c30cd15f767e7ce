import { serviceSubjects, streamName } from '../../contracts/subjects.ts'
import { withNats } from '../nats/connect.ts'
import { readStreamConfig } from '../nats/ensure-stream.ts'
import type { ExistingStreamConfig } from '../nats/stream-settings.ts'
import type { Deployment } from '../preflight/deployment.ts'
import { NATS } from '../preflight/finding.ts'
import type { CancelManner } from './cancel-monolith.ts'
import { type CancelledStep, cancelledStep, type PlannedCancelStep } from './step.ts'

/** Deletes the streams, and with them the log: no service can be built from it any more. */
export async function cancelLog(deployment: Deployment, { dryRun, onStep }: CancelManner): Promise<CancelledStep[]> {
  const { prefix, services } = deployment
  return await withNats(deployment.nats, 'cancel', async (connection) => {
    const manager = await connection.jetstreamManager()
    const steps: CancelledStep[] = []
    for (const { service } of services) {
      const name = streamName(prefix, service.name)
      const config = await readStreamConfig(manager, name)
      const planned = planStream(name, serviceSubjects(prefix, service.name), config)
      if (!dryRun && planned.state === 'needed') {
        await manager.streams.delete(name)
        await onStep(planned)
      }
      steps.push(cancelledStep(planned, dryRun))
    }
    return steps
  })
}

function planStream(name: string, subjects: string, config: ExistingStreamConfig | null): PlannedCancelStep {
  const step = { subject: NATS, action: `delete stream ${name}`, statements: [] }
  if (config === null) return { ...step, state: 'absent' }
  const own = config.subjects ?? []
  if (own.length === 1 && own[0] === subjects) return { ...step, state: 'needed' }
  return { ...step, state: 'left', reason: `it has other subjects than ${subjects}` }
}
