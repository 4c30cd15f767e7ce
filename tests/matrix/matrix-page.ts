/** How the tests went on one pair of servers. */
export interface MatrixResult {
  readonly postgres: string
  readonly nats: string
  readonly passed: number
  readonly failed: number
}

/** The page that `npm run test:matrix` writes. */
export function matrixPage(results: readonly MatrixResult[], when: Date): string {
  const rows = results.map(({ postgres, nats, passed, failed }) => `| ${postgres} | ${nats} | ${passed} | ${failed} |`)
  return [
    '# Servers that were tried',
    '',
    `The tests that depend on the servers (\`npm run test:matrix\`), run on ${when.toISOString().slice(0, 10)}.`,
    '',
    '| PostgreSQL | nats-server | passed | failed |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
