import { createHash } from 'node:crypto'

/** The page as it is built: it holds no data. */
export interface Page {
  readonly html: string
  readonly script: string
  readonly style: string
}

/** A file of the page, and what a browser that has it compares. */
export interface PageFile {
  readonly type: string
  readonly text: string
  readonly etag: string
}

/** By their paths. */
export function pageFiles({ html, script, style }: Page): ReadonlyMap<string, PageFile> {
  return new Map([
    ['/', pageFile('text/html; charset=utf-8', html)],
    ['/page.js', pageFile('text/javascript; charset=utf-8', script)],
    ['/page.css', pageFile('text/css; charset=utf-8', style)],
  ])
}

function pageFile(type: string, text: string): PageFile {
  return { type, text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` }
}

/** Whether a browser has what it would be sent. RFC 9110, "If-None-Match". */
export function hasAlready(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}
