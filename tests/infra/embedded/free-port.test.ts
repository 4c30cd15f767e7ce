import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { freePorts } from '../../../infra/embedded/free-port.ts'

test('free ports are each other than the rest, and can be listened on', async () => {
  const ports = await freePorts(50)
  assert.is(new Set(ports).size, 50)
  const servers = ports.map((port) => createServer().listen(port, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  for (const server of servers) server.close()
})

test('no outgoing connection is ever given a free port', async () => {
  const ports = await freePorts(500)
  assert.ok(
    ports.every((port) => port >= 20_000 && port < 32_768),
    `One of them is not: ${ports.join(', ')}`,
  )
})

test.run()
