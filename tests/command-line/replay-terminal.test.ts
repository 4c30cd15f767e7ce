// deadline: 120 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withConsumedStore } from './store.ts'
import { withTerminal } from './terminal-command.ts'

test('a terminal shows the steps above a bar for each table, and the result below', () =>
  withConsumedStore(async (store) =>
    withTerminal(store, ['replay', 'sales'], { columns: 80 }, async (terminal) => {
      assert.is((await terminal.ended).exitCode, 0)
      const lines = terminal.screen().map((line) => line.trimEnd())
      const begin = lines.findIndex((line) => line.startsWith('sales: loaded: 40 rows in 2 tables ('))
      for (const [index, pattern] of [
        /^sales: loaded: 40 rows in 2 tables \(\d\.\d s\)$/,
        /^sales: snapshot proven: rows and digests are those of the monolith \(\d\.\d s\)$/,
        /^sales: compared: all tables in use are equal, at \S+ \(\d\.\d s\)$/,
        /^sales: caught up: 0 changes \(\d\.\d s\)$/,
        /^sales: finished: rights, policies, triggers and comments \(\d\.\d s\)$/,
        /^sales: swapped: the new tables are in use \(\d\.\d s\)$/,
        /^sales: cleaned up: the replaced tables are gone \(\d\.\d s\)$/,
        /^Order +█+ +100% +20 .* done$/,
        /^Line +█+ +100% +20 .* done$/,
        /^Rebuilt: 2 tables of service sales, up to /,
      ].entries())
        assert.match(lines[begin + index] ?? '', pattern)
    }),
  ))

test.run()
