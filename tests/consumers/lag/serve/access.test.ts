import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { foreignness, isLoopback } from '../../../../consumers/lag/serve/access.ts'
import { refusalOf } from '../../../../consumers/lag/serve/guard-requests.ts'
import { hasAlready } from '../../../../consumers/lag/serve/page-files.ts'

test('only names and addresses of loopback are loopback', () => {
  for (const host of ['localhost', 'LocalHost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'])
    assert.is(isLoopback(host), true, host)
  for (const host of [
    '',
    '0.0.0.0',
    '::',
    '[::]',
    '10.0.0.1',
    '128.0.0.1',
    'localhost.example',
    '127.0.0.1.example',
    '::2',
  ])
    assert.is(isLoopback(host), false, host)
})

const own = { host: 'localhost:8693', site: undefined, mode: undefined }

test('a name that is not this machine is foreign, whatever stands behind it', () => {
  for (const host of ['localhost', 'localhost:8693', '[::1]:8693', '127.0.0.1:80'])
    assert.is(foreignness({ ...own, host }), null, host)
  for (const host of [
    undefined,
    '',
    'lag.example',
    'localhost@lag.example',
    'localhost:x',
    'lag.example:127',
    '[::1',
    'a b',
  ])
    assert.match(String(foreignness({ ...own, host })), /^Without a token/, String(host))
})

test('another site may lead to the page, and read nothing', () => {
  assert.is(foreignness({ ...own, site: 'cross-site', mode: 'navigate' }), null)
  for (const site of ['same-origin', 'same-site', 'none']) assert.is(foreignness({ ...own, site, mode: 'cors' }), null)
  for (const mode of ['cors', 'no-cors', undefined])
    assert.match(String(foreignness({ ...own, site: 'cross-site', mode })), /^Another site/)
})

test('what failed is told as far as whoever asked can do something about it', () => {
  assert.equal(
    [401, 429, 400, 414, 500, 503, undefined].map(
      (statusCode) => refusalOf(statusCode === undefined ? {} : { statusCode }).status,
    ),
    [401, 429, 400, 414, 500, 500, 500],
  )
})

test('a browser has what it names, weakly or among others', () => {
  for (const tags of ['"a"', 'W/"a"', '"b", "a"', '*']) assert.is(hasAlready(tags, '"a"'), true, tags)
  for (const tags of [undefined, '', '"b"', 'a']) assert.is(hasAlready(tags, '"a"'), false, String(tags))
})

test.run()
