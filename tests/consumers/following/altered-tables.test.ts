// deadline: 120 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withSales, withSalesOfOwner } from '../with-service.ts'
import {
  customersAfter,
  customersOf,
  DROP_FOREIGN_KEYS,
  load,
  lsnOf,
  positionOf,
  sendTransaction,
  untilApplied,
  withFollower,
} from './follower.ts'

interface Alteration {
  readonly what: string
  readonly alter: readonly string[]
  /** What the consumer ends with. */
  readonly says: RegExp
  readonly putRight: readonly string[]
}

const KEEP = 'CREATE TABLE kept AS SELECT * FROM "Customer"'

function trigger(body: string): Pick<Alteration, 'alter' | 'putRight'> {
  return {
    alter: [
      `CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`,
      'CREATE TRIGGER acting BEFORE INSERT OR UPDATE ON "Customer" FOR EACH ROW EXECUTE FUNCTION act()',
      'ALTER TABLE "Customer" ENABLE ALWAYS TRIGGER acting',
    ],
    putRight: ['DROP FUNCTION act CASCADE'],
  }
}

const ALTERATIONS: readonly Alteration[] = [
  {
    what: 'a unique index is added that a row breaks',
    alter: ['CREATE UNIQUE INDEX one ON "Customer" (note) WHERE id >= 2000'],
    says: /the table does not take the insert of public\."Customer" \(id = "2001"\) at .*: duplicate key value violates unique constraint "one", SQLSTATE 23505; nothing of its transaction is stored/,
    putRight: ['DROP INDEX one'],
  },
  {
    what: 'a column is dropped',
    alter: [KEEP, 'ALTER TABLE "Customer" DROP note'],
    says: /^Service sales cannot apply changes to its tables as they are: Column note of table public\."Customer" does not exist\./,
    putRight: [
      'ALTER TABLE "Customer" ADD note text',
      'UPDATE "Customer" AS own SET note = kept.note FROM kept WHERE own.id = kept.id',
      'DROP TABLE kept',
    ],
  },
  {
    what: 'a column is renamed',
    alter: ['ALTER TABLE "Customer" RENAME note TO remark'],
    says: /Column note of table public\."Customer" does not exist\. Put the table right, .* then run consume again\.$/,
    putRight: ['ALTER TABLE "Customer" RENAME remark TO note'],
  },
  {
    what: 'a column has a type that would take other values without a word',
    alter: ['ALTER TABLE "Customer" ALTER note TYPE char(40)'],
    says: /Column note of table public\."Customer" is of type character\(40\), where the contract has text\./,
    putRight: ['ALTER TABLE "Customer" ALTER note TYPE text'],
  },
  {
    what: 'a column is added that rows must have',
    alter: [
      'ALTER TABLE "Customer" ADD extra integer NOT NULL DEFAULT 1',
      'ALTER TABLE "Customer" ALTER extra DROP DEFAULT',
    ],
    says: /Column extra of table public\."Customer" is not in the contract\./,
    putRight: ['ALTER TABLE "Customer" DROP extra'],
  },
  {
    what: 'a CHECK is added that a row breaks',
    alter: [`ALTER TABLE "Customer" ADD CONSTRAINT few CHECK (id < 1000) NOT VALID`],
    says: /the table does not take the insert of public\."Customer" \(id = "\d+"\) at .*violates check constraint "few", SQLSTATE 23514; nothing of its transaction is stored: .* then run consume again; or set the transaction aside/,
    putRight: ['ALTER TABLE "Customer" DROP CONSTRAINT few'],
  },
  {
    what: 'a trigger keeps rows out',
    ...trigger('RETURN NULL;'),
    says: /^Service sales: trigger acting of table public\."Customer" would run on every row that is changed: disable it .*, then run consume again\.$/,
  },
  {
    what: 'a trigger changes rows',
    ...trigger(`NEW.note := 'changed'; RETURN NEW;`),
    says: /^Service sales: trigger acting of table public\."Customer" would run on every row that is changed: disable it/,
  },
  {
    what: 'a trigger refuses rows',
    ...trigger(`RAISE EXCEPTION 'not today';`),
    says: /^Service sales: trigger acting of table public\."Customer" would run on every row that is changed: disable it/,
  },
  {
    what: 'a rule keeps rows out',
    alter: [
      'CREATE RULE out AS ON INSERT TO "Customer" DO INSTEAD NOTHING',
      'ALTER TABLE "Customer" ENABLE ALWAYS RULE out',
    ],
    says: /the table does not take the insert of public\."Customer" \(id = "\d+"\) at .*: the table let it in, and holds nothing of it; nothing/,
    putRight: ['DROP RULE out ON "Customer"'],
  },
  {
    what: 'the table is renamed',
    alter: ['ALTER TABLE "Customer" RENAME TO "Former"'],
    says: /Table public\."Customer" does not exist\. Put it back with its rows, .* then run consume again\.$/,
    putRight: ['ALTER TABLE "Former" RENAME TO "Customer"'],
  },
  {
    what: 'a view stands in its place',
    alter: ['ALTER TABLE "Customer" RENAME TO "Former"', 'CREATE VIEW "Customer" AS SELECT * FROM "Former"'],
    says: /public\."Customer" is a view, not an ordinary table\./,
    putRight: ['DROP VIEW "Customer"', 'ALTER TABLE "Former" RENAME TO "Customer"'],
  },
  {
    what: 'the table is dropped',
    alter: [
      'CREATE TABLE kept (LIKE "Customer" INCLUDING ALL)',
      'INSERT INTO kept SELECT * FROM "Customer"',
      'DROP TABLE "Customer" CASCADE',
    ],
    says: /Table public\."Customer" does not exist\. Put it back with its rows, or take the service back with cancel --with-services and prepare it again, then run consume again\.$/,
    putRight: ['ALTER TABLE kept RENAME TO "Customer"'],
  },
  {
    what: 'somebody deletes a row',
    alter: [KEEP, 'DELETE FROM "Customer" WHERE id = 10'],
    says: /the table does not take the update of public\."Customer" \(id = "10"\) at .*: the row is not there; nothing of its transaction is stored/,
    putRight: ['INSERT INTO "Customer" SELECT * FROM kept WHERE id = 10', 'DROP TABLE kept'],
  },
  {
    what: 'somebody empties the table',
    alter: [KEEP, 'TRUNCATE "Customer" CASCADE'],
    says: /the table does not take the update of public\."Customer" \(id = "10"\) at .*: the row is not there; nothing/,
    putRight: ['INSERT INTO "Customer" SELECT * FROM kept', 'DROP TABLE kept'],
  },
]

test('a table that is altered while it is followed stops its service with a sentence, and nothing is lost or doubled once it is put right', () =>
  withSales(async (service) => {
    await load(service)
    const sent: number[] = []
    for (const { alter, putRight, says, what } of ALTERATIONS) {
      const [before, refused] = [sent.length + 1, sent.length + 2]
      // It goes on with what the former one was refused.
      await withFollower(service, async (follower) => {
        await sendTransaction(service, before)
        await untilApplied(service, before)
        assert.equal(await customersOf(service), customersAfter([...sent, before]), what)
        await service.sql(...alter)
        await sendTransaction(service, refused)
        const { exitCode, message } = await follower.refusal()
        assert.is(exitCode, 4, what)
        assert.match(message, says, what)
      })
      assert.is(await positionOf(service), lsnOf(before), what)
      await service.sql(...putRight)
      assert.equal(await customersOf(service), customersAfter([...sent, before]), what)
      sent.push(before, refused)
    }
    await service.consume()
    assert.equal(await customersOf(service), customersAfter(sent))
  }))

test('a column that rows need not have, an index, and a trigger for the application alone do not stop a service', () =>
  withSales(async (service) => {
    await load(service)
    await withFollower(service, async () => {
      await sendTransaction(service, 1)
      await untilApplied(service, 1)
      await service.sql(
        'ALTER TABLE "Customer" ADD remark text',
        'CREATE INDEX by_note ON "Customer" (note)',
        `CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
        'CREATE TRIGGER acting BEFORE INSERT ON "Customer" FOR EACH ROW EXECUTE FUNCTION act()',
      )
      await sendTransaction(service, 2)
      await untilApplied(service, 2)
      assert.equal(await customersOf(service), customersAfter([1, 2]))
    })
  }))

test('a right that is taken from the role stops the service with its name, and it goes on when the right is given back', () =>
  withSalesOfOwner(async (service, superuser) => {
    await load(service)
    await superuser(DROP_FOREIGN_KEYS)
    const [role] = await service.sql('SELECT quote_ident(current_user)')
    await withFollower(service, async (follower) => {
      await sendTransaction(service, 1)
      await untilApplied(service, 1)
      await superuser(`REVOKE INSERT ON "Customer" FROM ${role}`)
      await sendTransaction(service, 2)
      const { exitCode, message } = await follower.refusal()
      assert.is(exitCode, 4)
      assert.is(
        message,
        "The database of service sales refused a statement (permission denied for table Customer, SQLSTATE 42501): use a role that owns the service's tables, then run consume again; it goes on from where it was.",
      )
    })
    assert.is(await positionOf(service), lsnOf(1))
    await superuser(`GRANT INSERT ON "Customer" TO ${role}`)
    await service.consume()
    assert.equal(await customersOf(service), customersAfter([1, 2]))
  }))

test.run()
