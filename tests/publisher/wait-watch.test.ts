// deadline: 120 s
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withWaitWatch } from '../../publisher/wait-watch.ts'
import { withDatabase } from '../with-servers.ts'

test('a watch that finds no free connection at first looks again, and says later for whom is waited', () =>
  withDatabase(async (url) => {
    const role = `crowded_${randomUUID().replaceAll('-', '')}`
    const [holder, waiter] = [new Client({ connectionString: url }), new Client({ connectionString: url })]
    await Promise.all([holder.connect(), waiter.connect()])
    try {
      await holder.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret' CONNECTION LIMIT 0`)
      await holder.query(`GRANT pg_read_all_stats TO ${role}`)
      await holder.query('SELECT pg_advisory_lock(1)')
      const { rows } = await waiter.query<{ pid: string }>('SELECT pg_backend_pid()::text AS pid')
      const waiting = waiter.query('SELECT pg_advisory_lock(1)')
      const watched = new URL(url)
      Object.assign(watched, { username: role, password: 'secret' })
      const monolith = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url: watched.href }
      const lost: unknown[] = []
      const notices: string[] = []
      const options = {
        monolith,
        notice: (text: string) => void notices.push(text),
        lost: (error: unknown) => void lost.push(error),
        silenceMs: 2_000,
      }
      await withWaitWatch(options, async (watch) => {
        watch.add(rows[0]?.pid ?? '', 'Reader 1')
        await sleep(3_500)
        assert.equal(notices, [])
        await holder.query(`ALTER ROLE ${role} CONNECTION LIMIT -1`)
        for (let tries = 0; notices.length === 0 && tries < 100; tries += 1) await sleep(100)
        assert.match(notices.join(), /^Reader 1 waits for PostgreSQL process \d+/)
      })
      assert.equal(lost, [])
      await holder.query('SELECT pg_advisory_unlock(1)')
      await waiting
    } finally {
      await waiter.end()
      await holder.query(`DROP ROLE IF EXISTS ${role}`)
      await holder.end()
    }
  }))

test.run()
