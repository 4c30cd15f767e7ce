import type { Draft } from './draft.ts'
import { languageModule } from './language-module.ts'
import { joined, type Layout, NEW_LINE } from './layout.ts'
import { importLine, LINE_WIDTH, moduleText } from './module-text.ts'
import { callSource, commentText, listSource, objectSource, type Property, stringSource } from './source-text.ts'

const INTRODUCTION = [
  'A draft of `scission contracts draft`, made from a live database: every table as it is, and services as its foreign keys suggest them.',
  'Move entities between the files until the services are yours (or draft again with --services name=table,table), look through what is marked as a secret, then run preflight.',
]

const HURTS = 'What will hurt, and what the contracts cannot say:'
const KNOWN = 'Good to know:'

/**
 * The module that joins the services to a contract set.
 * @param identifiers what each service's module exports, by the service's name.
 */
export function printContractSet(draft: Draft, identifiers: ReadonlyMap<string, string>, folder: string): string {
  const imports = draft.services
    .map(({ name }) => ({ name, identifier: identifiers.get(name) ?? name }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, identifier }) => importLine([identifier], `./${name}.ts`))
  const declaration = objectSource(
    [{ name: 'services', value: servicesSource(draft, identifiers) }, ...leftBehindProperties(draft)],
    true,
  )
  const set = callSource('contractSet', [stringSource(draft.name), declaration], true)
  return moduleText(
    [importLine(['contractSet'], languageModule(folder, 'contract-set')), ...imports],
    [[blockComment(introduction(draft)), NEW_LINE, 'export default ', set]],
  )
}

/** In the order of migration, each on a line of its own. */
function servicesSource({ services }: Draft, identifiers: ReadonlyMap<string, string>): Layout {
  return objectSource(
    services.map(({ name }): Property => {
      const identifier = identifiers.get(name) ?? name
      return { name, value: identifier === name ? null : identifier }
    }),
    true,
  )
}

function leftBehindProperties({ leftBehind }: Draft): Property[] {
  if (leftBehind.length === 0) return []
  const items = leftBehind.map(({ name, reason }) => ({
    value: stringSource(name),
    comment: `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`,
  }))
  return [{ name: 'leftBehind', value: listSource(items, true) }]
}

function introduction({ findings }: Draft): string[] {
  const hurts = findings.filter(({ severity }) => severity !== 'information')
  const known = findings.filter(({ severity }) => severity === 'information')
  return [
    ...INTRODUCTION,
    ...(hurts.length === 0 ? [] : ['', HURTS, ...hurts.map(({ problem, cure }) => `- ${problem} ${cure}`)]),
    ...(known.length === 0 ? [] : ['', KNOWN, ...known.map(({ problem }) => `- ${problem}`)]),
  ]
}

function blockComment(paragraphs: readonly string[]): Layout {
  const lines = paragraphs.flatMap((text) => wrapped(commentText(text), LINE_WIDTH - ' * '.length))
  return joined(['/**', ...lines.map((line) => (line === '' ? ' *' : ` * ${line}`)), ' */'], NEW_LINE)
}

/** Breaks a text at blanks; what follows the first line of an item stands under its text. */
function wrapped(text: string, width: number): string[] {
  const indentation = text.startsWith('- ') ? '  ' : ''
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line.trim() !== '' && longer.length > width) {
      lines.push(line)
      line = indentation + word
    } else line = longer
  }
  return [...lines, line]
}
