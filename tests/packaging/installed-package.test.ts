// deadline: 300 s
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Page } from '../../consumers/lag/serve/page-files.ts'
import { withDatabases, withPrefix } from '../with-servers.ts'

const run = promisify(execFile)

/** As a user writes it: the folder says nothing of modules, and the language comes from the package. */
const CONTRACT_SET = `
import { contractSet } from 'scission/contracts/contract-set'
import { entity, service } from 'scission/contracts/entity'
import { bigint, text } from 'scission/contracts/types'

const people = service({ person: entity({ id: bigint(), name: text() }, { key: ['id'] }) })
const pets = service({
  pet: entity({ id: bigint(), owner: bigint() }, { key: ['id'], crossReferences: [{ on: ['owner'], to: 'people.person', onDelete: 'CASCADE' }] }),
})
export default contractSet('zoo', { services: { people, pets } })
`

const MONOLITH = `
CREATE TABLE person (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE pet (id bigint PRIMARY KEY, owner bigint NOT NULL REFERENCES person ON DELETE CASCADE);
INSERT INTO person SELECT number, 'Zoë ' || number FROM generate_series(1, 500) AS number;
INSERT INTO pet SELECT number, 1 + number % 500 FROM generate_series(1, 2000) AS number;
`

/** Packs the project and installs the package in an empty folder; `use` gets the folder and what runs the command there. */
async function withInstalledPackage(
  use: (
    folder: string,
    scission: (words: string[], environment: NodeJS.ProcessEnv) => Promise<string>,
  ) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-package-'))
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', folder])
    const [packed] = await readdir(folder)
    if (packed === undefined) throw new Error('npm pack made nothing')
    await writeFile(join(folder, 'package.json'), '{"name":"user","private":true}')
    await run(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', join(folder, packed)],
      { cwd: folder },
    )
    const program = join(folder, 'node_modules/.bin/scission')
    await use(folder, async (words, environment) => {
      const { stdout } = await run(program, words, { cwd: folder, env: { ...process.env, ...environment } })
      return stdout
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What browsers get is bundled when the package is made, and what Prometheus and Grafana read lies beside it. */
async function assertPage(folder: string): Promise<void> {
  const dist = join(folder, 'node_modules/scission/dist')
  const client = join(dist, 'consumers/lag/page/client')
  assert.equal((await readdir(client)).toSorted(), ['index.html', 'page.css', 'page.js'])
  assert.equal((await readdir(join(dist, 'infra/monitoring'))).toSorted(), [
    'alert-rules.yaml',
    'grafana-dashboard.json',
  ])
  const reader = pathToFileURL(join(client, '../read-page.js')).href
  const { readPage } = (await import(reader)) as { readPage: () => Promise<Page> }
  const { html, script, style } = await readPage()
  assert.match(html, /<script type="module" src="page.js">/)
  assert.ok(script.length > 10_000 && style.length > 1_000)
}

test('the installed package splits a monolith by a contract set of its user, and proves it', async () => {
  await withInstalledPackage(
    async (folder, scission) =>
      await withPrefix(
        async (prefix, nats) =>
          await withDatabases(['monolith', 'people', 'pets'], async (urls) => {
            await writeFile(join(folder, 'zoo.ts'), CONTRACT_SET)
            const monolith = new pg.Client(urls.monolith)
            await monolith.connect()
            await monolith.query(MONOLITH)
            await monolith.end()
            const environment = {
              SCISSION_CONTRACTS: 'zoo.ts',
              SCISSION_PREFIX: prefix,
              MONOLITH_DATABASE_URL: urls.monolith,
              PEOPLE_DATABASE_URL: urls.people,
              PETS_DATABASE_URL: urls.pets,
              NATS_URL: nats.url,
            }
            assert.match(await scission(['--version'], environment), /^\d+\.\d+\.\d+/)
            await scission(['prepare', '--yes'], environment)
            await scission(['publish', '--snapshot-only'], environment)
            await scission(['consume', '--all', '--until-caught-up'], environment)
            const report: unknown = JSON.parse(await scission(['verify', '--json'], environment))
            const { verified, services } = report as {
              verified: boolean
              services: { tables: { found: { rows: number } }[] }[]
            }
            assert.is(verified, true)
            assert.equal(
              services.map(({ tables }) => tables.map(({ found }) => found.rows)),
              [[500], [2000]],
            )
            await scission(['cancel', '--yes'], environment)
            await assertPage(folder)
          }),
      ),
  )
})

test.run()
