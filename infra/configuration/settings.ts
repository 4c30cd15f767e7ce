import { z } from 'zod'
import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import { PREFIX_PATTERN } from '../../contracts/subjects.ts'
import { monitorUrlMistake, NATS_FORM, natsUrlMistake, POSTGRES_FORM, postgresUrlMistake } from './database-url.ts'
import { DEFAULT_LOADERS, DEFAULT_READERS, MAX_CONNECTIONS } from './connections.ts'
import { LOG_FORMS } from './log-form.ts'
import { databaseName } from './names.ts'
import { parseBytes, parseDuration } from './parse-quantity.ts'
import { TOKEN_PATTERN, TOKEN_RULE } from './token.ts'

/** JetStream allows up to five replicas of a stream. Manual: "Streams", "Replicas". */
export const MAX_REPLICAS = 5

/**
 * The settings of one run by their names. A setting that is not needed is neither missed nor judged. The messages of
 * issues are clauses that follow the setting's name.
 */
export function settingsSchema(set: ContractSet, services: readonly Service[], needsMonolith: boolean) {
  return z.object({
    databases: z.object(
      Object.fromEntries(
        services.map(({ name }) => [
          databaseName(name),
          url(`of service ${name}'s database, as ${POSTGRES_FORM}`, postgresUrlMistake),
        ]),
      ),
    ),
    MONOLITH_DATABASE_URL: needsMonolith
      ? url(`of the monolith's database, as ${POSTGRES_FORM}`, postgresUrlMistake)
      : z.string().optional(),
    NATS_URL: url(`of NATS, as ${NATS_FORM}`, natsUrlMistake),
    NATS_MONITOR_URL: url('of the monitoring port', monitorUrlMistake).optional(),
    NATS_SYNC_INTERVAL: syncInterval().optional(),
    SCISSION_PREFIX: z
      .string()
      .regex(PREFIX_PATTERN, 'must be 1 to 31 lower-case letters, digits and _, and begin with a letter')
      .default(set.name),
    SCISSION_REPLICAS: wholeNumber(1, MAX_REPLICAS).default(1),
    SCISSION_READERS: wholeNumber(1, MAX_CONNECTIONS).default(DEFAULT_READERS),
    SCISSION_MAX_RATE: rate().optional(),
    SCISSION_LOADERS: wholeNumber(1, MAX_CONNECTIONS).default(DEFAULT_LOADERS),
    SCISSION_TOKEN: z.string().regex(TOKEN_PATTERN, TOKEN_RULE).optional(),
    // The log is open before the settings are judged, and was opened by the same value.
    SCISSION_LOG: z.enum(LOG_FORMS, 'must be auto, json or text').optional(),
  })
}

export type Settings = z.output<ReturnType<typeof settingsSchema>>

function url(what: string, mistake: (text: string) => string | null) {
  return z.string(`is not set: give the URL ${what}`).superRefine((text, context) => {
    const message = mistake(text)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })
}

/** As the broker's own configuration has it; `always` becomes 0. In milliseconds. */
function syncInterval() {
  return z.string().transform((text, context) => {
    const ms = text === 'always' ? 0 : parseDuration(text)
    if (ms !== null) return ms
    context.addIssue({ code: 'custom', message: 'must be always, or a number with ms, s, m or h, such as 2m' })
    return z.NEVER
  })
}

/** In bytes a second. */
function rate() {
  return z.string().transform((text, context) => {
    const bytes = parseBytes(text)
    if (bytes !== null) return bytes
    context.addIssue({ code: 'custom', message: 'must be a number of bytes with kB, MB or GB, such as 20MB' })
    return z.NEVER
  })
}

function wholeNumber(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((number) => number >= least && number <= most, `must be a whole number from ${least} to ${most}`)
}
