import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { serveAddressFlag } from '../../infra/command-line/serve-address.ts'

test('a port alone is one of loopback, and a host may stand before it', () => {
  assert.equal(serveAddressFlag('8693'), { host: '127.0.0.1', port: 8693 })
  assert.equal(serveAddressFlag('0'), { host: '127.0.0.1', port: 0 })
  assert.equal(serveAddressFlag('localhost:1'), { host: '127.0.0.1', port: 1 })
  assert.equal(serveAddressFlag('page.internal:65535'), { host: 'page.internal', port: 65_535 })
  assert.equal(serveAddressFlag('0.0.0.0:80'), { host: '0.0.0.0', port: 80 })
  assert.equal(serveAddressFlag('[::1]:80'), { host: '::1', port: 80 })
})

test('what is no address is said to be none, an open one of all interfaces too', () => {
  for (const text of [
    '',
    ':80',
    'page',
    'page:',
    '65536',
    '-1',
    '::1:80',
    '[::1]',
    'http://page:80',
    'a b:80',
    '80 ',
    '1e3',
    '[]:80',
  ])
    assert.throws(() => serveAddressFlag(text), /It must be a port, or host:port/, text)
})

test.run()
