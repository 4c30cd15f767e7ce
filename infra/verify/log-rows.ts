import { Failure } from '../../contracts/failure.ts'
import { copyTextChunks } from '../../contracts/wire/page-to-copy.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { lacking, type LogReading, readPages } from './log-pages.ts'
import { SeenPages } from './seen-pages.ts'

/** One entity's rows in the log. */
export interface LogRows extends LogReading {
  readonly pageRead: (pages: number) => void
}

/**
 * The rows of an entity's reading as text that `COPY FROM` takes, in pieces of at most a page, each page once.
 * @throws Failure 4 where the log does not hold all pages of the manifest, or holds them in another shape.
 */
export async function* copyTextOfLog(rows: LogRows): AsyncGenerator<Uint8Array> {
  const { entity, totals } = rows
  if (totals.pages === 0) return
  const shape = shapeOf(entity)
  const hash = shapeHash(shape)
  const seen = new SeenPages()
  for await (const { header, payload } of readPages(rows)) {
    if (!seen.add(header.chunk, header.page)) continue
    if (header.shape !== hash)
      throw new Failure(
        4,
        `The log's ${entity.name} is of another shape than the contract's: verify with the contract set that it was published with.`,
      )
    yield* copyTextChunks(payload, shape.columns)
    rows.pageRead(seen.count)
    if (seen.count === totals.pages) return
  }
  throw lacking(rows, seen.count)
}
