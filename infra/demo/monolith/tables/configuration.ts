import { AWKWARD_TEXTS } from '../awkward-texts.ts'
import { AWKWARD_DOCUMENTS } from '../awkward-values.ts'
import { itemAt, type Random } from '../random.ts'
import { documentAt, momentAt, proseAt, sparse } from '../values.ts'
import type { TableRows } from '../world.ts'

const SETTINGS: readonly (readonly [key: string, value: string])[] = [
  ['app.name', '"ArchiModeler"'],
  ['app.locale', '"fr"'],
  ['app.locales', '["fr", "en", "ar"]'],
  ['app.readOnly', 'false'],
  ['app.banner', 'null'],
  ['smtp', '{"host": "smtp.exemple.fr", "port": 587, "user": "noreply", "password": "pass\\\\word\\t\\u00e9"}'],
  ['sso', '{"issuer": "https://sso.exemple.fr", "clientSecret": "7b1f-not-a-secret"}'],
  ['retention.days', '3650'],
  ['limits', '{"viewBytes": 1048576, "rate": 0.10, "ceiling": 18446744073709551616}'],
  ['theme', '{"primary": "#1F77B4", "logo": null}'],
  ['features', '{"chat": true, "connectors": true, "ai": false}'],
  ['maintenance.window', '"0 3 * * 0"'],
]

/** Its key is a text like any other: the empty one, the decomposed one and `\N` are keys too. */
const systemSetting: TableRows = {
  name: 'SystemSetting',
  columns: ['key', 'value', 'description', 'updatedAt'],
  rows: (world) => {
    const random = world.random('SystemSetting')
    return (ordinal) => {
      const odd = ordinal - SETTINGS.length
      const [key, value] = SETTINGS[ordinal] ?? [itemAt(AWKWARD_TEXTS, odd), itemAt(AWKWARD_DOCUMENTS, odd)]
      return [key, value, sparse(ordinal, 2, 3, (nth) => proseAt(random, nth)), momentAt(random, ordinal)]
    }
  },
}

const TYPES = ['postgresql', 'rest', 'csv', 'servicenow', 'jira']
const SCHEDULES = ['0 2 * * *', '*/15 * * * 1-5', '', '@daily']

const dataSource: TableRows = {
  name: 'DataSource',
  columns: ['id', 'name', 'type', 'config', 'mapping', 'schedule', 'lastSync', 'createdAt', 'updatedAt'],
  rows: (world) => {
    const [random, id] = [world.random('DataSource'), world.ids('DataSource')]
    return (ordinal) => [
      id(ordinal),
      AWKWARD_TEXTS[ordinal + 25] ?? `Source ${ordinal}`,
      itemAt(TYPES, ordinal),
      configOf(random, ordinal),
      sparse(ordinal, 3, 4, (nth) => documentAt(random, nth, 9, () => '{"CI Name": "name", "Propriétaire": "owner"}')),
      sparse(ordinal, 2, 3, (nth) => itemAt(SCHEDULES, nth)),
      sparse(ordinal, 6, 7, (nth) => momentAt(random, nth)),
      momentAt(random, ordinal, 2),
      momentAt(random, ordinal, 4),
    ]
  },
}

/** Where it is, and the credentials with which it is reached. */
function configOf(random: Random, ordinal: number): string {
  const password = `p@ss "${random.below(1e9)}" \\é\t`
  const address = `https://svc:${random.below(1e9)}@source-${ordinal}.exemple.fr/api?v=2`
  return JSON.stringify({ url: address, username: 'svc_archi', password, apiKey: random.below(2 ** 32).toString(36) })
}

const prismaMigrations: TableRows = {
  name: '_prisma_migrations',
  columns: [
    'id',
    'checksum',
    'finished_at',
    'migration_name',
    'logs',
    'rolled_back_at',
    'started_at',
    'applied_steps_count',
  ],
  rows: (world) => {
    const [random, id] = [world.random('_prisma_migrations'), world.ids('_prisma_migrations')]
    return (ordinal) => {
      const failed = ordinal === 3
      const day = String(ordinal + 1).padStart(2, '0')
      return [
        id(ordinal),
        Array.from({ length: 8 }, () =>
          random
            .below(2 ** 32)
            .toString(16)
            .padStart(8, '0'),
        ).join(''),
        failed ? null : `2023-05-${day} 10:00:01.5+00`,
        `202305${day}100000_step_${ordinal}`,
        failed ? 'A migration failed to apply.\nDatabase error code: 42P07' : null,
        failed ? `2023-05-${day} 10:05:00+00` : null,
        `2023-05-${day} 10:00:00+00`,
        failed ? '0' : '1',
      ]
    }
  },
}

export const configuration: readonly TableRows[] = [systemSetting, dataSource]

export const bookkeeping: readonly TableRows[] = [prismaMigrations]
