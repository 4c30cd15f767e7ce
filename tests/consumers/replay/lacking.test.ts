import * as assert from 'uvu/assert'
import { test } from 'uvu'
import { readLacking } from '../../../consumers/replay/lacking.ts'
import { runSql } from '../with-service.ts'
import { ITEM_TABLES, items } from './item-service.ts'
import { replay, withReplayedAt, withRoles } from './replay-service.ts'
import { withDatabase } from '../../with-servers.ts'

/** The URL of a database for a role whose password is its name. */
function urlOf(url: string, role: string): string {
  const own = new URL(url)
  own.username = role
  own.password = role
  return own.toString()
}

test('a role that owns its tables lacks what it was not granted, and needs no more than that', async () => {
  await withRoles(3, async ([role = '', owner = '', stranger = '']) =>
    withDatabase(async (url) => {
      await runSql(url, [
        ...ITEM_TABLES,
        'CREATE TABLE other (id integer PRIMARY KEY)',
        'CREATE TABLE referring (item integer REFERENCES item)',
        'CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
        'REVOKE EXECUTE ON FUNCTION touch FROM PUBLIC',
        'CREATE TRIGGER touching AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION touch()',
        'ALTER TABLE item DISABLE TRIGGER touching',
        'ALTER TABLE part ADD other integer REFERENCES other',
        'CREATE STATISTICS of_part ON id, item FROM part',
        'CREATE PUBLICATION own FOR TABLE item',
        'REVOKE ALL ON SCHEMA public FROM PUBLIC',
        `GRANT USAGE, CREATE ON SCHEMA public TO ${owner}`,
        `ALTER TABLE part OWNER TO ${role}`,
        `ALTER TABLE item OWNER TO ${owner}`,
        `GRANT USAGE ON SCHEMA public TO ${stranger}`,
        `GRANT SELECT (name), INSERT ON item TO ${stranger} WITH GRANT OPTION`,
        `SET ROLE ${stranger}`,
        'GRANT INSERT ON item TO PUBLIC',
        'RESET ROLE',
      ])
      const session = urlOf(url, role)
      const superuser = await runSql(url, ['SELECT quote_ident(current_user)'])
      const [database] = await runSql(url, ['SELECT quote_ident(current_database())'])
      await withReplayedAt(session, items, async ({ client, service }) => {
        const by = superuser[0]
        assert.equal(await readLacking(client, service), [
          `CREATE on database ${database}`,
          'CREATE on schema public',
          'USAGE on schema public',
          `the rights of role ${owner}, which owns table public.item`,
          'EXECUTE on function public.touch(), which a trigger of table public.item runs',
          `the rights of role ${by}, which owns table public.referring, whose foreign key referring_item_fkey refers to table public.item`,
          'REFERENCES on table public.other, to which foreign key part_other_fkey of table public.part refers',
          `the rights of role ${by}, which owns publication own, to which table public.item belongs`,
          `the rights of role ${by}, which owns statistics of_part of table public.part`,
          'CREATE on schema public, where statistics of_part of table public.part lie',
        ])
      })
      await runSql(url, [
        `GRANT CREATE ON DATABASE ${database} TO ${role}, ${owner}`,
        `GRANT USAGE, CREATE ON SCHEMA public TO ${role}`,
        `GRANT ${owner} TO ${role}`,
        `GRANT EXECUTE ON FUNCTION touch TO ${role}`,
        `ALTER TABLE referring OWNER TO ${role}`,
        `GRANT REFERENCES, SELECT ON other TO ${role}`,
        `ALTER PUBLICATION own OWNER TO ${owner}`,
        `ALTER STATISTICS of_part OWNER TO ${role}`,
      ])
      await withReplayedAt(session, items, async (replayed) => {
        assert.equal(await readLacking(replayed.client, replayed.service), [])
        await replay(replayed)
        assert.equal(
          await runSql(url, [
            `SELECT relname, pg_get_userbyid(relowner) FROM pg_class
              WHERE relnamespace = 'public'::regnamespace AND relname IN ('item', 'part', 'item_id_seq', 'part_id_seq') ORDER BY 1`,
          ]),
          [`item|${owner}`, `item_id_seq|${owner}`, `part|${role}`, `part_id_seq|${role}`],
        )
        // In the owner's name, since the session may not act in the stranger's.
        assert.equal(
          await runSql(url, [
            `SELECT acl FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, unnest(relacl || attacl) AS acl
              WHERE relname = 'item' AND attname = 'name' AND acl::text NOT LIKE '${owner}=%'`,
          ]),
          [`${stranger}=a*/${owner}`, `=a/${owner}`, `${stranger}=r*/${owner}`],
        )
        assert.equal(
          await runSql(url, [`SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated`]),
          ['0'],
        )
      })
    }),
  )
})

test.run()
