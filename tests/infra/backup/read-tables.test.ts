import type { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { digestText } from '../../../contracts/digest.ts'
import { describeTables, listTables, readDigest } from '../../../infra/backup/read-tables.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { notNullOfNewRows } from '../../hostile/postgres-18.ts'
import { withDatabase } from '../../with-servers.ts'
import { monolithAt } from './with-backup.ts'

async function digestOfOnlyTable(client: Client): Promise<string> {
  const [table] = await describeTables(client, await listTables(client))
  if (table === undefined) throw new Error('There is no table')
  return digestText(await readDigest(client, table))
}

test('rows with a null where new rows may have none count in the digest', async () => {
  await withDatabase(async (url) => {
    await withSession(monolithAt(url), { purpose: 'test' }, async (client) => {
      await client.query(`CREATE TABLE public.note (id int, text text); INSERT INTO public.note VALUES (1, NULL)`)
      const before = await digestOfOnlyTable(client)
      await client.query(`ALTER TABLE public.note ADD CONSTRAINT texts ${notNullOfNewRows('text')}`)
      assert.is(await digestOfOnlyTable(client), before)
      await client.query(`ALTER TABLE public.note DROP CONSTRAINT texts; UPDATE public.note SET id = 2;
        ALTER TABLE public.note ADD CONSTRAINT texts ${notNullOfNewRows('text')}`)
      assert.is.not(await digestOfOnlyTable(client), before)
    })
  })
})

test.run()
