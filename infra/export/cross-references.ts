import type { ContractSet, Entity } from '../../contracts/language/contract-set.ts'
import type { ReferentialAction } from '../../contracts/language/entity.ts'
import { tableSql } from '../postgres/digest-sql.ts'

/** A reference that no foreign key holds after the split. */
export interface CrossReference {
  readonly from: ReferenceEnd
  readonly to: ReferenceEnd
  /** For a polymorphic reference: the rows that it holds for. */
  readonly when: { readonly column: string; readonly equals: string } | null
  /** What the monolith did when the referred row was deleted; null where it had no foreign key either. */
  readonly onDelete: ReferentialAction | null
}

export interface ReferenceEnd {
  readonly service: string
  readonly entity: string
  /** `schema.table`, quoted. */
  readonly table: string
  readonly columns: readonly string[]
}

/** Every reference across services, in the contracts' order. */
export function crossReferences({ services }: ContractSet): CrossReference[] {
  const end = (service: string, entity: Entity, columns: readonly string[]): ReferenceEnd => ({
    service,
    entity: entity.name,
    table: tableSql(entity),
    columns,
  })
  return services.flatMap((service) =>
    service.entities.flatMap((entity) =>
      entity.crossReferences.flatMap(({ on, toService, toEntity, toColumns, when, onDelete }) => {
        const target = services.find(({ name }) => name === toService)?.entities.find(({ name }) => name === toEntity)
        if (target === undefined) return []
        return [{ from: end(service.name, entity, on), to: end(toService, target, toColumns), when, onDelete }]
      }),
    ),
  )
}

/** The same as a page: by the service that is referred to, which must serve what the others ask it for. */
export function crossReferencesPage(set: ContractSet): string {
  const references = crossReferences(set)
  const referred = set.services.filter(({ name }) => references.some(({ to }) => to.service === name))
  const sections = referred.map(({ name }) =>
    [
      `## To ${name}`,
      '',
      '| from | columns | to | columns | for rows where | when the other row was deleted |',
      '| --- | --- | --- | --- | --- | --- |',
      ...references.filter(({ to }) => to.service === name).map(referenceRow),
    ].join('\n'),
  )
  const introduction =
    references.length === 0
      ? 'None: no service refers to another one.'
      : 'The monolith kept these by foreign keys, or by its application. In the services only the values link the rows: each service must answer for what others refer to, and tell them of deletions.'
  return `${[`# References that cross services in ${set.name}`, introduction, ...sections].join('\n\n')}\n`
}

function referenceRow({ from, to, when, onDelete }: CrossReference): string {
  const cells = [
    code(`${from.service}.${from.entity}`),
    from.columns.map(code).join(', '),
    code(`${to.service}.${to.entity}`),
    to.columns.map(code).join(', '),
    when === null ? '' : `${code(when.column)} is ${code(when.equals)}`,
    onDelete ?? 'no foreign key',
  ]
  return `| ${cells.join(' | ')} |`
}

/** Code in a table's cell, whatever backticks, bars and new lines it holds. https://spec.commonmark.org/, "Code spans" */
function code(text: string): string {
  const shown = text.replaceAll(/\p{Cc}/gu, '\uFFFD').replaceAll('|', '\\|')
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return longest === 0 ? fence + shown + fence : `${fence} ${shown} ${fence}`
}
