import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { usageSentence } from '../../infra/command-line/usage-errors.ts'
import { tableText, wrappedText } from '../../infra/command-line/tables.ts'
import { isUnicode, wantsColours } from '../../infra/command-line/terminal.ts'

const VERBS = ['preflight', 'prepare', 'publish']

function sentence(code: string, message: string): string {
  return usageSentence({ code: `commander.${code}`, message }, VERBS, ['--json', '--new-epoch'], 'scission x --help')
}

test('usage errors are sentences that name the way out', () => {
  assert.is(
    sentence('unknownCommand', "error: unknown command 'publsh'"),
    'There is no verb publsh: did you mean publish?',
  )
  assert.is(
    sentence('unknownCommand', "error: unknown command 'frob'"),
    'There is no verb frob: the verbs are preflight, prepare, publish.',
  )
  assert.is(sentence('unknownOption', "error: unknown option '--jsn'"), 'There is no flag --jsn: did you mean --json?')
  assert.is(sentence('unknownOption', "error: unknown option '-q'"), 'There is no flag -q: see scission x --help.')
  assert.is(
    sentence('invalidArgument', "error: option '--readers <number>' argument 'x' is invalid. It must be a number."),
    '--readers cannot be "x": it must be a number; see scission x --help.',
  )
})

test('a table is as wide as its content, and figures stand under each other', () => {
  const columns = [
    { title: 'service', align: 'left' },
    { title: 'rows', align: 'right' },
    { title: '', align: 'left' },
  ] as const
  assert.is(
    tableText(columns, [
      ['iam', '1,234', 'equal'],
      ['notifications', '5', ''],
    ]),
    ['service         rows', 'iam            1,234  equal', 'notifications      5'].join('\n'),
  )
})

test('a text is broken at blanks, and long words stay whole', () => {
  assert.is(wrappedText('one two three four', 9), 'one two\nthree\nfour')
  assert.is(wrappedText('one two three', 10, '  '), 'one two\n  three')
  assert.is(wrappedText('a postgres://user@host/database b', 10), 'a\npostgres://user@host/database\nb')
})

test('colours are for terminals, unless the environment says otherwise', () => {
  assert.is(wantsColours(true, {}), true)
  assert.is(wantsColours(false, {}), false)
  assert.is(wantsColours(true, { NO_COLOR: '1', FORCE_COLOR: '1' }), false)
  assert.is(wantsColours(true, { NO_COLOR: '' }), true)
  assert.is(wantsColours(false, { FORCE_COLOR: '1' }), true)
  assert.is(wantsColours(true, { FORCE_COLOR: '0' }), false)
})

test('a locale decides whether more than ASCII is shown', () => {
  assert.is(isUnicode({ LANG: 'C.UTF-8' }), true)
  assert.is(isUnicode({ LANG: 'fr_FR.utf8', LC_ALL: 'C' }), false)
  assert.is(isUnicode({}), true)
})

test.run()
