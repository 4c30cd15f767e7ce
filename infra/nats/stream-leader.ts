import {
  type ClusterInfo,
  type JetStreamManager,
  NatsError,
  type StreamInfo,
  type StreamInfoRequestOptions,
} from 'nats'

/**
 * Followers elect another leader four seconds after they heard of theirs at the earliest, and an idle leader hears of them
 * every two seconds: so a leader that heard of a majority since then is the only one.
 */
const HEARD_WITHIN_NS = 3_500_000_000

/** As an outage is waited for: what a leader says that may be none any more could be of the past. */
export class LeaderAlone extends NatsError {
  readonly stream: string

  constructor(stream: string) {
    super(`the leader of stream ${stream} hears no majority of its replicas`, '503')
    this.stream = stream
  }
}

/** What a stream lacks counts only once it was asked for a while: see `assertSure`. */
export class NotYetHeld extends Error {}

/**
 * What a stream's leader says of it.
 * @throws LeaderAlone where the others may have elected another one since.
 */
export async function readStream(
  manager: JetStreamManager,
  stream: string,
  options?: Partial<StreamInfoRequestOptions>,
): Promise<StreamInfo> {
  const info = await manager.streams.info(stream, options)
  if (!hearsMajority(info.cluster)) throw new LeaderAlone(stream)
  return info
}

/** Whether a leader has heard of as many replicas of late as make a majority with it; a stream without replicas needs none. */
export function hearsMajority(cluster: ClusterInfo | undefined): boolean {
  const replicas = cluster?.replicas ?? []
  // One that was never heard of is not told of with a time.
  const heard = replicas.filter(({ active, current }) => active <= HEARD_WITHIN_NS && (active > 0 || current))
  return heard.length >= Math.floor((replicas.length + 1) / 2)
}

/**
 * A leader that was elected a moment ago answers before it has applied all that it holds (nats-server 2.10). So what a
 * stream with replicas lacks is asked for again, until `isSure`.
 * @throws NotYetHeld until then.
 */
export function assertSure({ cluster }: Pick<StreamInfo, 'cluster'>, isSure: boolean): void {
  if (!isSure && (cluster?.replicas ?? []).length > 0) throw new NotYetHeld('A replicated stream lacks a message')
}
