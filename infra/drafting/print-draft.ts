import type { Draft, DraftService } from './draft.ts'
import { createNames, type LanguageName } from './identifiers.ts'
import { languageModule } from './language-module.ts'
import type { Layout } from './layout.ts'
import { importLine, moduleText } from './module-text.ts'
import type { OwnType } from './monolith-facts.ts'
import { typesNeeded } from './own-types.ts'
import { printContractSet } from './print-contract-set.ts'
import { printEntity } from './print-entity.ts'
import { constantsOf, nameTypes, type TypeConstant, type TypeConstants } from './print-types.ts'
import { callSource, objectSource } from './source-text.ts'

/** A file of a draft: its name in the draft's folder, and its text. */
export interface SourceFile {
  readonly name: string
  readonly text: string
}

/** No service can be called so: their names have no hyphen. */
const SHARED_TYPES_FILE = 'shared-types.ts'

/**
 * The files of a draft: a module a service, one for the types that several services use, what SQL says beside them, and
 * `contract-set.ts`, which comes last.
 * @param folder absolute, links resolved: where they will stand, from which they import the contract language.
 */
export function printDraft(draft: Draft, types: ReadonlyMap<string, OwnType>, folder: string): SourceFile[] {
  const names = createNames()
  const serviceNames = new Map(draft.services.map(({ name }) => [name, names(name, 'Service')]))
  const needed = draft.services.map((service) => typesNeeded(service, types))
  const constants = nameTypes([...new Set(needed.flat())], names)
  const shared = sharedConstants(needed, constants)
  const printing = { folder, types, constants, shared }
  const services = draft.services.map((service) =>
    printService(service, serviceNames.get(service.name) ?? service.name, printing),
  )
  return [
    ...services,
    ...(shared.size === 0 ? [] : [printSharedTypes(printing)]),
    ...draft.services.flatMap(({ name, cutoverSql }) =>
      cutoverSql === '' ? [] : [{ name: `${name}.sql`, text: cutoverSql }],
    ),
    { name: 'contract-set.ts', text: printContractSet(draft, serviceNames, folder) },
  ]
}

interface Printing {
  readonly folder: string
  readonly types: ReadonlyMap<string, OwnType>
  readonly constants: TypeConstants
  /** Those that stand in a module of their own. */
  readonly shared: ReadonlySet<TypeConstant>
}

/** What several services use. */
function sharedConstants(needed: readonly (readonly OwnType[])[], constants: TypeConstants): Set<TypeConstant> {
  const users = new Map<TypeConstant, number>()
  for (const types of needed)
    for (const constant of new Set(types.flatMap(({ oid }) => constants.get(oid) ?? [])))
      users.set(constant, (users.get(constant) ?? 0) + 1)
  return new Set([...users].filter(([, count]) => count > 1).map(([constant]) => constant))
}

function printService(service: DraftService, identifier: string, printing: Printing): SourceFile {
  const { constants, folder, shared, types } = printing
  const entities = service.entities.map((entity) => ({
    name: entity.name,
    printed: printEntity(entity, types, constants),
  }))
  const used = new Set(entities.flatMap(({ printed }) => printed.constants))
  const own = [...used].filter((constant) => !shared.has(constant))
  const body = objectSource(
    entities.map(({ name, printed }) => ({ name, value: printed.source })),
    true,
  )
  const imports = [
    importLine(['entity', 'service'], languageModule(folder, 'entity')),
    ...typeImports(
      [...entities.flatMap(({ printed }) => printed.uses), ...own.map(({ builder }) => builder)],
      languageModule(folder, 'types'),
    ),
    ...sharedImports([...used].filter((constant) => shared.has(constant))),
  ]
  const statements = [
    ...inOrderOfParts(own, printing).map((constant) => constantSource(constant, false)),
    [`export const ${identifier} = `, callSource('service', [body], true)],
  ]
  return { name: `${service.name}.ts`, text: moduleText(imports, statements) }
}

function printSharedTypes(printing: Printing): SourceFile {
  const constants = inOrderOfParts([...printing.shared], printing)
  const imports = typeImports(
    constants.map(({ builder }) => builder),
    languageModule(printing.folder, 'types'),
  )
  return {
    name: SHARED_TYPES_FILE,
    text: moduleText(
      imports,
      constants.map((constant) => constantSource(constant, true)),
    ),
  }
}

/** Types that others are made of come before those, so that a reader meets them first. */
function inOrderOfParts(constants: readonly TypeConstant[], { types, constants: all }: Printing): TypeConstant[] {
  const ordered = constants.flatMap(({ type }) => constantsOf(type, types, all))
  return [...new Set(ordered)].filter((constant) => constants.includes(constant))
}

function constantSource({ identifier, source }: TypeConstant, isExported: boolean): Layout {
  return [`${isExported ? 'export ' : ''}const ${identifier} = `, source]
}

function typeImports(names: readonly LanguageName[], module: string): Layout[] {
  const wanted = [...new Set(names)].filter((name) => name !== 'entity' && name !== 'service').toSorted()
  return wanted.length === 0 ? [] : [importLine(wanted, module)]
}

function sharedImports(constants: readonly TypeConstant[]): Layout[] {
  const names = constants.map(({ identifier }) => identifier).toSorted()
  return names.length === 0 ? [] : [importLine(names, `./${SHARED_TYPES_FILE}`)]
}
