/** How the tests went on one pair of servers. */
export interface MatrixResult {
  readonly postgres: string
  readonly nats: string
  readonly passed: number
  readonly failed: number
  /** The day, as `2026-11-27`. */
  readonly on: string
}

/** The results with that of a pair in the place of its earlier one. */
export function withResult(results: readonly MatrixResult[], result: MatrixResult): MatrixResult[] {
  const place = results.findIndex(({ postgres, nats }) => postgres === result.postgres && nats === result.nats)
  return place < 0 ? [...results, result] : results.with(place, result)
}

/** The page that `npm run test:matrix` writes. */
export function matrixPage(results: readonly MatrixResult[]): string {
  const rows = results.map(
    ({ postgres, nats, passed, failed, on }) => `| ${postgres} | ${nats} | ${passed} | ${failed} | ${on} |`,
  )
  return [
    '# Servers that were tried',
    '',
    `The tests that depend on the servers (\`npm run test:matrix\`).`,
    '',
    '| PostgreSQL | nats-server | passed | failed | run on |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
