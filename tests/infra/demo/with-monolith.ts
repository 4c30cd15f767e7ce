import { Client } from 'pg'
import { generateMonolith } from '../../../infra/demo/monolith/generate-monolith.ts'
import type { MonolithOptions } from '../../../infra/demo/monolith/sizes.ts'
import { withDatabase } from '../../with-servers.ts'

export interface Monolith {
  /** The first column of the statement's only row. */
  readonly value: (statement: string, ...parameters: readonly unknown[]) => Promise<unknown>
  /** The first column of each row. */
  readonly values: (statement: string, ...parameters: readonly unknown[]) => Promise<readonly unknown[]>
}

/** A generated monolith in a database of its own, for as long as `use` takes. */
export async function withMonolith<Result>(
  options: MonolithOptions,
  use: (monolith: Monolith) => Promise<Result>,
): Promise<Result> {
  return withDatabase(async (url) => {
    await generateMonolith(url, options)
    return withClient(url, (client) => use(monolithOf(client)))
  })
}

export async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

function monolithOf(client: Client): Monolith {
  const values: Monolith['values'] = async (text, ...parameters) => {
    const { rows } = await client.query<[unknown]>({ text, values: [...parameters], rowMode: 'array' })
    return rows.map(([first]) => first)
  }
  return {
    values,
    value: async (statement, ...parameters) => (await values(statement, ...parameters))[0],
  }
}
