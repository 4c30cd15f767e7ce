import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** What the server answers to a statement that holds a text: one row with one column. */
type Answers = Readonly<Record<string, unknown>>

/** The facts that a backup asks of a server, from one whose version no pg_dump here knows. */
const ANSWERS: Answers = {
  server_version_num: {
    versionNumber: 990001,
    version: '99.1',
    database: 'new',
    identity: '1',
    encoding: 'UTF8',
    inRecovery: false,
    role: 'user',
    mayReplicate: true,
    mayCreateInDatabase: true,
    walLevel: 'replica',
    maxReplicationSlots: 10,
    maxWalSenders: 10,
    maxSlotWalKeepMegabytes: -1,
    collation: 'C C c',
  },
  datcollate: {
    systemId: '1',
    locale: { encoding: 'UTF8', collate: 'C', ctype: 'C', provider: 'c', icuLocale: null },
    databaseBytes: 0,
    extensions: [],
    roles: ['user'],
    superusers: [],
    unlogged: 0,
    foreignTables: 0,
    subscriptions: 0,
    tablespaces: [],
  },
}

/** A PostgreSQL of a version that does not exist yet. Manual: "Message Formats". */
export async function withFakeNewPostgres<Result>(use: (url: string) => Promise<Result>): Promise<Result> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    let hasBegun = false
    socket.on('data', (data: Buffer) => {
      if (!hasBegun) socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready()]))
      else if (data[0] === 'Q'.charCodeAt(0)) socket.write(answerTo(data.toString('utf8')))
      hasBegun = true
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A listening server has no port')
  try {
    return await use(`postgres://user:hidden-12@127.0.0.1:${address.port}/new`)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

function answerTo(statement: string): Buffer {
  const [, found] = Object.entries(ANSWERS).find(([text]) => statement.includes(text)) ?? []
  if (found === undefined) return Buffer.concat([message('C', Buffer.from('SET\0')), ready()])
  const value = Buffer.from(JSON.stringify(found))
  // One column, named row, of type json; its table, its length and its modifier mean nothing here.
  const column = Buffer.concat([Buffer.from('row\0'), Buffer.alloc(18)])
  column.writeInt32BE(114, 4 + 6)
  return Buffer.concat([
    message('T', Buffer.concat([int16(1), column])),
    message('D', Buffer.concat([int16(1), int32(value.length), value])),
    message('C', Buffer.from('SELECT 1\0')),
    ready(),
  ])
}

function ready(): Buffer {
  return message('Z', Buffer.from('I'))
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
