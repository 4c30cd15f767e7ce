import type { Page } from '../serve/page-files.ts'

/** A page that shows what it is sent as it is. */
export async function readPage(): Promise<Page> {
  return {
    html: '<!doctype html><html lang="en"><title>Lag</title><link rel="stylesheet" href="/page.css"><script type="module" src="/page.js"></script><pre></pre></html>',
    script: "fetch('/report.json').then(async (r) => { document.querySelector('pre').textContent = await r.text() })",
    style: 'pre { white-space: pre-wrap }',
  }
}
