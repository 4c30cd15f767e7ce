import { readFile } from 'node:fs/promises'

/** One event as docs/logs.md has it. */
export interface DocumentedEvent {
  /** `every command`, or the verb. */
  readonly of: string
  readonly event: string
  readonly fields: readonly string[]
}

/** Reads the rows `| event | fields | when |` of each section `## Of …`. */
export async function readLogsPage(): Promise<DocumentedEvent[]> {
  const page = await readFile(new URL('../../docs/logs.md', import.meta.url), 'utf8')
  const [, ...sections] = page.split('\n## Of ')
  return sections.flatMap((section) => {
    const [title = '', ...lines] = section.split('\n')
    return lines.flatMap((line) => {
      const [, event = '', fields = ''] = line.split('|').map((cell) => cell.trim())
      if (!/^`[a-z-]+`$/.test(event)) return []
      return [{ of: title.replaceAll('`', ''), event: event.slice(1, -1), fields: namesIn(fields) }]
    })
  })
}

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
}
