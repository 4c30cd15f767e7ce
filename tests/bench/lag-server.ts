import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import set from '../../contracts/archimodeler/contract-set.ts'
import { Failure } from '../../contracts/failure.ts'
import { createDemoDatabases, startDemoServers, stopDemoServers } from '../../infra/command-line/demo-servers.ts'
import type { MonolithConfiguration } from '../../infra/configuration/configuration.ts'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import { runScript, say, wholeNumber } from '../runner/run-script.ts'
import { untilApplied, withFollowers } from './followers.ts'
import { command } from './scission-run.ts'
import { median } from './statistics.ts'

interface Flags {
  readonly seconds: number
  readonly json?: true
}

/** What of one core `lag --serve` is to take at most. */
const AIM_CORES = 0.02
const SCRAPE_MS = 1_000
/** Until what a process does once, such as compiling, is done. */
const WARM_UP_SECONDS = 10
const ELEMENTS = 1_000
const SEED = 1

interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Of the process that serves, as `process.cpuUsage` tells it. */
  readonly cores: number
  readonly scrapes: number
  readonly looks: { readonly medianMs: number; readonly largestMs: number }
  readonly scrapeMs: number
  readonly residentBytes: number
}

function readFlags(): Flags {
  return new Command('bench:lag-server')
    .description('measure what lag --serve takes for ten services that are level, scraped each second')
    .option('--seconds <number>', 'for how long', wholeNumber(1, 3_600), 60)
    .option('--json', 'print the result as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const flags = readFlags()
  const servers = await startDemoServers(signal, say)
  try {
    const configuration = await createDemoDatabases(servers, set)
    await generateMonolith(configuration.monolith.url, { elements: ELEMENTS, seed: SEED })
    const environment = environmentOf(configuration)
    const measured = await withFollowers(environment, signal, async () => {
      await untilApplied(environment, signal)
      return await withLagServer(environment, async (url) => {
        await scrapeFor(url, WARM_UP_SECONDS, signal)
        return await scrapeFor(url, flags.seconds, signal)
      })
    })
    report(flags, measured)
  } finally {
    await stopDemoServers(servers)
  }
}

function environmentOf({ monolith, nats, services }: MonolithConfiguration): Record<string, string> {
  return {
    ...Object.fromEntries([monolith, ...services.map(({ database }) => database)].map((of) => [of.variable, of.url])),
    NATS_URL: nats.url,
    NATS_SYNC_INTERVAL: 'always',
  }
}

async function withLagServer<Result>(
  environment: Readonly<Record<string, string>>,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const { args, program } = command('lag', ['lag', '--serve', '0', '--json'], environment)
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    if (child.stdout === null) throw new Error('Its standard output is a pipe')
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    return await use((JSON.parse(line) as { readonly url: string }).url)
  } finally {
    child.kill('SIGINT')
    await once(child, 'exit')
  }
}

/** Processor time comes from the first scrape and the last one. */
async function scrapeFor(url: string, seconds: number, signal: AbortSignal): Promise<Measured> {
  const first = await scrape(url)
  const began = performance.now()
  const looksMs: number[] = []
  const scrapesMs: number[] = []
  for (let place = 1; place <= seconds; place += 1) {
    await delay(Math.max(0, began + place * SCRAPE_MS - performance.now()), undefined, { signal })
    const since = performance.now()
    const metrics = await scrape(url)
    scrapesMs.push(performance.now() - since)
    looksMs.push(valueOf(metrics, 'scission_look_duration_seconds') * 1_000)
  }
  const last = await scrape(url)
  const passed = (performance.now() - began) / 1_000
  const cpuSeconds = valueOf(last, 'process_cpu_seconds_total') - valueOf(first, 'process_cpu_seconds_total')
  return {
    seconds: passed,
    cpuSeconds,
    cores: cpuSeconds / passed,
    scrapes: scrapesMs.length,
    looks: { medianMs: median(looksMs) ?? Number.NaN, largestMs: Math.max(...looksMs) },
    scrapeMs: median(scrapesMs) ?? Number.NaN,
    residentBytes: valueOf(last, 'process_resident_memory_bytes'),
  }
}

async function scrape(url: string): Promise<string> {
  const response = await fetch(`${url}metrics`)
  if (!response.ok) throw new Failure(1, `A scrape was answered ${response.status}.`)
  return await response.text()
}

function valueOf(metrics: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])
}

function report(flags: Flags, measured: Measured): void {
  const { cores, cpuSeconds, looks, residentBytes, scrapeMs, scrapes, seconds } = measured
  const text = [
    `${scrapes} scrapes in ${seconds.toFixed(0)} s took ${cpuSeconds.toFixed(2)} s of a processor: ${(cores * 100).toFixed(2)} % of a core (aim: below ${AIM_CORES * 100} %).`,
    `A look took ${looks.medianMs.toFixed(0)} ms (median; ${looks.largestMs.toFixed(0)} at most), a scrape ${scrapeMs.toFixed(0)} ms; ${(residentBytes / 1e6).toFixed(0)} MB resident.`,
  ].join('\n')
  process.stdout.write(`${flags.json === true ? JSON.stringify(measured) : text}\n`)
  if (cores >= AIM_CORES) process.exitCode = 5
}

await runScript(main)
