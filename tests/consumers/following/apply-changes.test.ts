// deadline: 120 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeChange } from '../../../contracts/wire/encode-message.ts'
import { ABSENT, UNCHANGED, type WireChange } from '../../../contracts/wire/message.ts'
import { shapeOf } from '../../../contracts/wire/shape.ts'
import { announceAll, closeAll, Customer, customers, writeSmallSnapshot } from '../complete-snapshot.ts'
import { entityNamed } from '../shop.ts'
import { failureOf, type TestService, withSales } from '../with-service.ts'
import { run, send } from './changes.ts'

const names = async ({ sql }: TestService): Promise<string[]> =>
  await sql(`SELECT id || name || coalesce(note, '') FROM "Customer" WHERE id > 9 ORDER BY id`)
const position = async ({ sql }: TestService): Promise<string[]> => await sql('SELECT lsn FROM scission.checkpoint')

test('changes beside the pages wait until the tables are complete, and are applied then, each once', () =>
  withSales(async (service) => {
    const { log } = service
    await log.begin()
    await announceAll(log)
    await send(log, run([[0, 'I', [11, 'early', null]]], { lsn: '0/20' }))
    await log.page(Customer, customers(1, 10))
    await send(log, run([[0, 'U', [11, 'later', null], null]], { lsn: '0/30' }))
    await closeAll(log, { Customer: [1, 10] })
    await send(log, run([[0, 'D', [10, ABSENT, ABSENT]]], { lsn: '0/40' }))
    assert.is((await service.consume()).appliedChanges, 3)
    assert.equal(await names(service), ['11later'])
    assert.equal(await position(service), ['0/40'])
    assert.is((await service.consume()).appliedChanges, 0)
    // A hint that stands before what is applied changes nothing: the position tells.
    await service.sql('UPDATE scission.checkpoint SET stream_sequence = 0')
    assert.is((await service.consume()).appliedChanges, 0)
    assert.equal(await names(service), ['11later'])
  }))

test('a consumer that goes on while indexes are built applies the changes that its hint stands before', () =>
  withSales(async (service) => {
    const { listeners, log, sql } = service
    await log.begin()
    await announceAll(log)
    const hint = await log.length()
    await send(log, run([[0, 'I', [11, 'early', null]]]))
    await closeAll(log, {})
    const ending = new AbortController()
    listeners.add((event) => {
      if (event.type === 'phase-entered' && event.phase === 'indexing') ending.abort(new Error('ended'))
    })
    await service.consume({ signal: ending.signal }).then(
      () => assert.unreachable(),
      () => undefined,
    )
    // As it is written down each second: the change holds it where it is.
    await sql(
      `UPDATE scission.checkpoint SET phase = 'indexing', stream_sequence = ${hint}, stream_writer = '${log.writer}'`,
    )
    await service.consume()
    assert.equal(await names(service), ['11early'])
  }))

test('a change is passed over exactly where its transaction is visible in the snapshot, whatever its position', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    const gone: WireChange = [0, 'D', [10, ABSENT, ABSENT]]
    // Its commit is written later, and shown by the snapshot: the row would not be there a second time.
    await send(service.log, run([[0, 'I', [10, 'customer 10', null]]], { lsn: '0/90', xid: '9' }))
    await send(service.log, run([gone], { lsn: '0/A0', xid: '10' }))
    await service.consume()
    assert.equal(await names(service), [])
  }))

test('a value that a change leaves as it is stays, also where the key moves', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log, 1, 'large')
    await send(
      service.log,
      run([[0, 'U', [10, 'ten', UNCHANGED], null]], { lsn: '0/20' }),
      run([[0, 'U', [12, 'twelve', UNCHANGED], [10, ABSENT, ABSENT]]], { lsn: '0/30' }),
    )
    await service.consume()
    assert.equal(await names(service), ['12twelvelarge'])
  }))

test('a transaction that spans messages is there wholly or not at all', () =>
  withSales(async (service) => {
    const { log } = service
    await writeSmallSnapshot(log)
    await send(log, run([[0, 'I', [11, 'a', null]]], { last: false }))
    await service.consume()
    assert.equal([await names(service), await position(service)], [['10customer 10'], ['']])
    await send(log, run([[1, 'I', [12, 'b', null]]]))
    await service.consume()
    assert.equal([await names(service), await position(service)], [['10customer 10', '11a', '12b'], ['0/20']])
  }))

// By its bytes, and by its changes: many narrow ones take as much memory as few wide ones, where they are of several kinds.
for (const { each, length } of [
  { each: 80, length: 10_000 },
  { each: 2_000, length: 1 },
])
  test(`a transaction of ${8 * each} changes of ${length} bytes, larger than what may wait, is applied piece by piece, in one transaction`, () =>
    withSales(async (service) => {
      const { log } = service
      await writeSmallSnapshot(log)
      for (let message = 0; message < 8; message += 1) {
        const changes = Array.from({ length: each }, (_, index): WireChange => {
          const ordinal = message * each + index
          if (index === 0) return [ordinal, 'U', [1, 'customer 1', 'x'.repeat(length)], null]
          return [ordinal, 'I', [100 + ordinal, `n${ordinal}`, 'x'.repeat(length)]]
        })
        await send(log, run(changes, { last: message === 7 }))
      }
      await service.consume()
      assert.equal(await service.sql(`SELECT count(*), max(length(note)) FROM "Customer"`), [
        `${8 * each + 2}|${length}`,
      ])
      const applied = service.events.filter((event) => event.type === 'changes-applied')
      assert.ok(applied.length > 1)
      assert.is(
        applied.reduce((sum, { transactions }) => sum + transactions, 0),
        1,
      )
    }))

test('values that were swapped are applied one by one, and a counter shows it', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    const named = (ordinal: number, id: number, name: string): WireChange => [ordinal, 'U', [id, name, null], null]
    const changes = [named(0, 9, 'x'), named(1, 10, 'customer 9'), named(2, 9, 'customer 10')]
    await send(service.log, run(changes))
    await service.consume()
    assert.equal(await names(service), ['10customer 9'])
    assert.equal(
      service.events.flatMap((event) => (event.type === 'changes-applied' ? [event.oneByOne] : [])),
      [true],
    )
  }))

const many = (change: (index: number) => WireChange): WireChange[] =>
  Array.from({ length: 60 }, (_, index) => change(index))
const applied = ({ events }: TestService): unknown[] =>
  events.flatMap((event) => (event.type === 'changes-applied' ? [[event.changes, event.oneByOne]] : []))

test('many changes of one kind are applied by their columns: rows come, change and go', () =>
  withSales(async (service) => {
    const { log } = service
    await writeSmallSnapshot(log)
    await send(log, run(many((index) => [index, 'I', [100 + index, `n${index}`, index % 2 ? 'large' : null]])))
    await service.consume()
    const rows = many((index) => [index, 'U', [100 + index, `m"${index}\\`, index % 3 === 0 ? UNCHANGED : null], null])
    await send(log, run(rows, { lsn: '0/30' }))
    await service.consume()
    assert.equal(
      await service.sql(
        `SELECT count(*), count(note), min(id) FILTER (WHERE note = 'large'), max(name) FROM "Customer"`,
      ),
      ['70|10|103|m"9\\'],
    )
    await send(
      log,
      run(
        many((index) => [index, 'D', [100 + index, ABSENT, ABSENT]]),
        { lsn: '0/40' },
      ),
    )
    await service.consume()
    assert.equal(await names(service), ['10customer 10'])
    assert.equal(applied(service), [
      [60, false],
      [60, false],
      [60, false],
    ])
  }))

test('several changes of one row among many are folded, and a constraint is met as one by one', () =>
  withSales(async (service) => {
    const { log } = service
    await writeSmallSnapshot(log)
    await send(log, run(many((index) => [index, 'I', [100 + index, `n${index}`, null]])))
    const twice = many((index) => [index, 'U', [100 + (index % 40), `m${index}`, null], null])
    await send(log, run(twice, { lsn: '0/30' }))
    await service.consume()
    assert.equal(await service.sql(`SELECT name FROM "Customer" WHERE id IN (100, 139, 140) ORDER BY id`), [
      'm40',
      'm39',
      'n40',
    ])
    // Each takes the name that the next one has until its own turn comes.
    const moved = many((index) => [index, 'U', [159 - index, index === 0 ? 'free' : `n${60 - index}`, null], null])
    await send(log, run(moved, { lsn: '0/40' }))
    await service.consume()
    assert.equal(await service.sql(`SELECT name FROM "Customer" WHERE id IN (158, 159) ORDER BY id`), ['n59', 'free'])
  }))

test('a row that is not there is named among many', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await send(service.log, run(many((index) => [index, 'D', [index + 1, ABSENT, ABSENT]])))
    const failure = await failureOf(service.consume())
    assert.match(failure.message, /delete of public."Customer" \(id = "11"\) at 0\/20\/10: the row is not there/)
    assert.equal(await names(service), ['10customer 10'])
  }))

for (const [what, changes, sentence] of [
  [
    'an update of a row that is not there',
    [[0, 'U', [77, 'x', null], null]],
    /update of public."Customer" \(id = "77"\) at 0\/30\/0: the row is not there/,
  ],
  [
    'a delete of a row that is not there',
    [[0, 'D', [77, ABSENT, ABSENT]]],
    /delete of public."Customer" \(id = "77"\) at 0\/30\/0: the row is not there/,
  ],
  [
    'an insert of a row that is there',
    [[0, 'I', [1, 'x', null]]],
    /insert of public."Customer" \(id = "1"\) at 0\/30\/0: duplicate key .*23505/,
  ],
  ['a value that the column does not take', [[0, 'I', [78, 'x\0y', null]]], /insert of public."Customer"/],
] as const)
  test(`${what} stops the service with a sentence, and what came before its transaction is stored alone`, () =>
    withSales(async (service) => {
      await writeSmallSnapshot(service.log)
      await send(
        service.log,
        run([[0, 'I', [11, 'before', null]]], { lsn: '0/20' }),
        run([...changes, [1, 'I', [12, 'with', null]]] as WireChange[], { lsn: '0/30' }),
      )
      const failure = await failureOf(service.consume())
      assert.is(failure.exitCode, 4)
      assert.match(failure.message, sentence)
      assert.equal([await names(service), await position(service)], [['10customer 10', '11before'], ['0/20']])
    }))

test('a secret is not shown by the sentence that stops the service', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    const Account = entityNamed('Account')
    const account: WireChange = [0, 'I', [1, 'hidden-token', 'plain']]
    await send(service.log, run([account], { entity: Account }), run([account], { entity: Account, lsn: '0/30' }))
    const failure = await failureOf(service.consume())
    assert.match(failure.message, /insert of public."Account" .*SQLSTATE 23505/)
    assert.not.match(failure.message, 'hidden-token')
  }))

test('changes of an epoch that was not announced, and of a table that is not the contract’s, are refused', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    const strange = { ...run([[0, 'I', [1, 'x', null]]]), entity: 'Stranger' }
    const bytes = encodeChange({ v: 1, kind: 'change', epoch: 1, runs: [strange] }, () => shapeOf(Customer).columns)
    await service.log.send('change.Stranger', bytes)
    assert.match(
      (await failureOf(service.consume())).message,
      'the log has changes of Stranger, which the contract does not have',
    )
  }))

test.run()
