import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readServer } from '../../../infra/catalog/read-server.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { withDatabase } from '../../with-servers.ts'

test('every release says who sorts its texts, so that equal locales are equal between them', () =>
  withDatabase((url) =>
    withSession({ title: 'the test', variable: 'X', url }, { purpose: 'test' }, async (client) => {
      const { rows } = await client.query<{ locales: string }>(
        `SELECT datcollate || ' ' || datctype AS locales FROM pg_database WHERE datname = current_database()`,
      )
      assert.is((await readServer(client)).collation, `${rows[0]?.locales} c`)
    }),
  ))

test.run()
