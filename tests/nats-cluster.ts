import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type JetStreamManager, type StreamInfo } from 'nats'
import { freePorts } from '../infra/embedded/free-port.ts'
import { createGuardedFolder } from '../infra/embedded/guarded-folder.ts'
import { findNatsBinary } from '../infra/embedded/nats-binary.ts'
import { natsConfiguration } from '../infra/embedded/nats-configuration.ts'
import { type TcpProxy, withTcpProxy } from './tcp-proxy.ts'

/** One server of a cluster, on its own store and ports. */
export interface ClusterNode {
  readonly name: string
  readonly url: string
  readonly port: number
  kill(): Promise<void>
  /** Where it runs nothing is done. */
  start(): Promise<void>
  /** Whether it was started and is not there any more. */
  hasEnded(): boolean
  /** The last that it said since it was started. */
  lastWords(): string
  /** Stops it as it is, and lets it go on. */
  pause(isPaused: boolean): void
  /** Between it and the others nothing passes meanwhile; what was under way arrives when it is healed. Clients still reach it. */
  isolate(isIsolated: boolean): void
}

export type Nodes = readonly [ClusterNode, ClusterNode, ClusterNode]

/** Three servers with JetStream, whose network a test can cut. Clients are not told of the servers that they do not name. */
export interface NatsCluster {
  readonly nodes: Nodes
  /** All nodes, as NATS_URL names them. */
  readonly url: string
  /** Asks by way of whichever of some nodes answers; all of them by default. */
  ask<Result>(action: (manager: JetStreamManager) => Promise<Result>, asked?: readonly ClusterNode[]): Promise<Result>
  /** The node that leads a stream as those that are asked have it, as soon as one does. */
  leaderOf(stream: string, asked?: readonly ClusterNode[]): Promise<ClusterNode>
  /** Makes the leader of a stream step down, and returns when another leads it. */
  moveLeader(stream: string): Promise<ClusterNode>
  /** Returns when the stream has a leader that hears of all replicas, and none of them is behind. */
  untilWhole(stream: string): Promise<void>
}

const NODES = ['one', 'two', 'three'] as const
const USER = 'scission'
const PASSWORD = 'for-a-test'
const TRY_MS = 50
/** Now and then a leader never learns what its peers can store; started anew they come together in four seconds. */
const START_TRIES = 6
const START_LIMIT_MS = 10_000
const WHOLE_LIMIT_MS = 30_000
const MOVE_LIMIT_MS = 20_000
const ANSWER_LIMIT_MS = 2_000
const KEPT_WORDS = 2_000

interface Place {
  readonly name: string
  readonly port: number
  readonly monitorPort: number
  readonly routePort: number
}

/** Routes of one node: those that it makes, and those that are made to it. */
type Links = ReadonlyMap<string, readonly TcpProxy[]>

export async function withNatsCluster<Result>(use: (cluster: NatsCluster) => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await withNewCluster(use)
    } catch (error) {
      if (!(error instanceof NotStarted) || tries === START_TRIES) throw error
    }
  }
}

/** Another process took a port of a node, or the nodes do not come together. */
class NotStarted extends Error {}

async function withNewCluster<Result>(use: (cluster: NatsCluster) => Promise<Result>): Promise<Result> {
  const folder = await createGuardedFolder()
  const nodes: ClusterNode[] = []
  try {
    const { program } = await findNatsBinary(process.env, folder)
    const ports = await freePorts(NODES.length * 3)
    const places = NODES.map((name, index) => ({
      name,
      port: ports[index * 3] ?? 0,
      monitorPort: ports[index * 3 + 1] ?? 0,
      routePort: ports[index * 3 + 2] ?? 0,
    }))
    return await withLinks(places, async (routes, links) => {
      for (const place of places) {
        const file = `${folder.path}/${place.name}.conf`
        await mkdir(`${folder.path}/${place.name}`)
        await writeFile(file, clusterConfiguration(`${folder.path}/${place.name}`, place, routes.get(place.name) ?? []))
        nodes.push(nodeOf(program, file, place, links.get(place.name) ?? []))
      }
      await Promise.all(nodes.map(async (node) => await node.start()))
      await untilReady(nodes)
      return await use(clusterOf(nodes))
    })
  } finally {
    for (const node of nodes) await node.kill()
    await folder.remove()
  }
}

/** One cluster for the tests of a file, since it takes seconds to start. It ends with the last of so many uses. */
export function sharedNatsCluster(uses: number): typeof withNatsCluster {
  let left = uses
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  let started: Promise<NatsCluster> | null = null
  let running: Promise<void> = Promise.resolve()
  return async (use) => {
    started ??= new Promise((resolve, reject) => {
      running = withNatsCluster(async (cluster) => {
        resolve(cluster)
        await ended
      }).catch(reject)
    })
    try {
      return await use(await started)
    } finally {
      left -= 1
      if (left === 0) end()
      if (left === 0) await running
    }
  }
}

/**
 * A proxy for each pair: nobody knows another way, since what servers tell of themselves leads nowhere. Each dials the next
 * one alone: two that dial each other at once may each close the other's link as one too many, and have none.
 */
async function withLinks<Result>(
  places: readonly Place[],
  use: (routes: ReadonlyMap<string, readonly number[]>, links: Links) => Promise<Result>,
): Promise<Result> {
  const routes = new Map(places.map(({ name }) => [name, [] as number[]]))
  const links = new Map(places.map(({ name }) => [name, [] as TcpProxy[]]))
  const pairs = places.flatMap((from, index) => {
    const to = places[(index + 1) % places.length]
    return to === undefined ? [] : [{ from, to }]
  })
  const open = async (index: number): Promise<Result> => {
    const pair = pairs[index]
    if (pair === undefined) return await use(routes, links)
    return await withTcpProxy(pair.to.routePort, async (proxy) => {
      routes.get(pair.from.name)?.push(proxy.port)
      for (const { name } of [pair.from, pair.to]) links.get(name)?.push(proxy)
      return await open(index + 1)
    })
  }
  return await open(0)
}

function clusterConfiguration(folder: string, { name, routePort, ...ports }: Place, routes: readonly number[]): string {
  return `${natsConfiguration({ folder, user: USER, password: PASSWORD, ...ports })}
server_name: ${name}
cluster {
  name: test
  listen: "127.0.0.1:${routePort}"
  advertise: "127.0.0.1:1"
  no_advertise: true
  routes: [${routes.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')}]
}
`
}

function nodeOf(program: string, file: string, { name, port }: Place, links: readonly TcpProxy[]): ClusterNode {
  let child: ChildProcess | null = null
  let said = ''
  return {
    name,
    port,
    url: `nats://${USER}:${PASSWORD}@127.0.0.1:${port}`,
    start: async () => {
      if (child !== null) return
      said = ''
      child = spawn(program, ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'] })
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-KEPT_WORDS)))
      await once(child, 'spawn')
    },
    hasEnded: () => child !== null && (child.exitCode ?? child.signalCode) !== null,
    lastWords: () => said,
    kill: async () => {
      if (child === null) return
      const ended = once(child, 'exit')
      if ((child.exitCode ?? child.signalCode) === null && child.kill('SIGKILL')) await ended
      child = null
    },
    pause: (isPaused) => void child?.kill(isPaused ? 'SIGSTOP' : 'SIGCONT'),
    isolate: (isIsolated) => links.forEach((link) => link.hold(isIsolated)),
  }
}

/**
 * Returns when the servers can make a stream of as many replicas, and each of them keeps up: at first they know neither each
 * other nor a leader, and now and then one of them never joins the others of a stream.
 * @throws NotStarted with what they said, where one of them has ended or they are not ready in time.
 */
async function untilReady(nodes: readonly ClusterNode[]): Promise<void> {
  try {
    await untilDone(START_LIMIT_MS, async () => {
      const ended = nodes.find((node) => node.hasEnded())
      if (ended !== undefined) throw new NotStarted(`Node ${ended.name} ended by itself: ${ended.lastWords()}`)
      await asking(nodes, async (manager) => {
        await manager.streams.add({ name: 'READY', num_replicas: nodes.length })
        assertWhole(await manager.streams.info('READY'), nodes.length)
        await manager.streams.delete('READY')
      })
    })
  } catch (error) {
    if (error instanceof NotStarted) throw error
    const words = nodes.map((node) => `${node.name}: ${node.lastWords()}`)
    throw new NotStarted(`The cluster was not ready in time: ${String(error)}\n${words.join('\n')}`, { cause: error })
  }
}

function assertWhole({ cluster, config }: StreamInfo, nodes: number): void {
  const replicas = cluster?.replicas ?? []
  const isCurrent = replicas.every(({ current, offline, lag }) => current && offline !== true && !lag)
  if (replicas.length === nodes - 1 && isCurrent) return
  throw new Error(`Not all replicas of stream ${config.name} are current: ${JSON.stringify(cluster)}`)
}

/** Asks whichever of the nodes answers, by a connection of its own. */
async function asking<Result>(
  nodes: readonly ClusterNode[],
  action: (manager: JetStreamManager) => Promise<Result>,
): Promise<Result> {
  const servers = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const connection = await connect({ servers, user: USER, pass: PASSWORD, reconnect: false, timeout: ANSWER_LIMIT_MS })
  try {
    return await action(await connection.jetstreamManager({ checkAPI: false, timeout: ANSWER_LIMIT_MS }))
  } finally {
    await connection.close()
  }
}

/** @throws the action's last error where it has not succeeded in time. */
async function untilDone<Result>(limitMs: number, action: () => Promise<Result>): Promise<Result> {
  const deadline = Date.now() + limitMs
  for (;;) {
    try {
      return await action()
    } catch (error) {
      if (error instanceof NotStarted || Date.now() > deadline) throw error
      await sleep(TRY_MS)
    }
  }
}

function clusterOf(started: readonly ClusterNode[]): NatsCluster {
  const [one, two, three] = started
  if (one === undefined || two === undefined || three === undefined) throw new Error('A cluster has three nodes')
  const nodes: Nodes = [one, two, three]
  const leaderAmong = async (
    stream: string,
    asked: readonly ClusterNode[],
    former?: ClusterNode,
  ): Promise<ClusterNode> =>
    await untilDone(MOVE_LIMIT_MS, async () => {
      const { cluster } = await asking(asked, async (manager) => await manager.streams.info(stream))
      const leader = nodes.find(({ name }) => name === cluster?.leader)
      if (leader === undefined || leader === former) throw new Error(`Stream ${stream} has no new leader`)
      return leader
    })
  return {
    nodes,
    url: nodes.map(({ url }) => url).join(','),
    ask: async (action, asked = nodes) => await asking(asked, action),
    leaderOf: async (stream, asked = nodes) => await leaderAmong(stream, asked),
    moveLeader: async (stream) => {
      const former = await leaderAmong(stream, nodes)
      await stepDown(nodes, stream)
      return await leaderAmong(stream, nodes, former)
    },
    untilWhole: async (stream) =>
      await untilDone(WHOLE_LIMIT_MS, async () => {
        assertWhole(await asking(nodes, async (manager) => await manager.streams.info(stream)), nodes.length)
      }),
  }
}

/** Manual: docs.nats.io, "JetStream API", $JS.API.STREAM.LEADER.STEPDOWN. */
async function stepDown(nodes: readonly ClusterNode[], stream: string): Promise<void> {
  const servers = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const connection = await connect({ servers, user: USER, pass: PASSWORD, reconnect: false })
  try {
    await connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, '', { timeout: ANSWER_LIMIT_MS })
  } finally {
    await connection.close()
  }
}
