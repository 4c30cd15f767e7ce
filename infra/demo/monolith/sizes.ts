import { Failure } from '../../../contracts/failure.ts'
import { AWKWARD_TEXTS } from './awkward-texts.ts'
import { CONCEPT_TYPES, RELATION_TYPES, SOURCE_RULES, TARGET_RULES } from './metamodel-types.ts'
import { METAMODELS } from './vocabulary.ts'

export interface MonolithOptions {
  readonly elements: number
  /** Twice the elements where it is not given. */
  readonly relationships?: number
  readonly seed: number
}

/** Below it a monolith could not hold every awkward value. */
export const MIN_ELEMENTS = 50

/** Beyond it the ids' ordinals and a demonstration's disk would not suffice. */
const MAX_ELEMENTS = 50_000_000

/** The rows of each table, by its name. */
export type Sizes = ReturnType<typeof sizesOf>

/** @throws Failure with exit code 2 where an option is out of its bounds. */
export function sizesFor({ elements, relationships = 2 * elements, seed }: MonolithOptions): Sizes {
  requireBetween('elements', elements, MIN_ELEMENTS, MAX_ELEMENTS)
  requireBetween('relationships', relationships, MIN_ELEMENTS, 2 * MAX_ELEMENTS)
  requireBetween('seed', seed, 0, Number.MAX_SAFE_INTEGER)
  return sizesOf(elements, relationships)
}

function requireBetween(option: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new Failure(2, `The monolith's ${option} must be a whole number from ${least} to ${most}, not ${value}.`)
}

/** The least sizes are such that each table holds its enums' labels and its share of the awkward values. */
function sizesOf(elements: number, relationships: number) {
  const perElement = (share: number, least: number): number => Math.max(least, Math.floor(elements * share))
  const users = perElement(1 / 200, 20)
  const stereotypes = perElement(1 / 2000, AWKWARD_TEXTS.length + 3)
  return {
    _prisma_migrations: 12,
    User: users,
    Role: 8,
    Permission: 24,
    Group: perElement(1 / 5000, 12),
    _RoleToUser: users + Math.floor(users / 2),
    _PermissionToRole: 24 * 4,
    _GroupToUser: users + Math.floor(users / 2),
    Metamodel: METAMODELS.length,
    ConceptType: CONCEPT_TYPES.length,
    RelationType: RELATION_TYPES.length,
    _SourceRules: SOURCE_RULES.length,
    _TargetRules: TARGET_RULES.length,
    DataSource: perElement(1 / 5000, 14),
    ModelPackage: perElement(1 / 5000, 6),
    Folder: perElement(1 / 40, 84),
    Element: elements,
    Relationship: relationships,
    View: perElement(1 / 100, 32),
    Stereotype: stereotypes,
    StereotypeConceptType: stereotypes * 3,
    StereotypeRelationType: stereotypes * 2,
    ElementStereotype: perElement(1 / 5, MIN_ELEMENTS),
    RelationshipStereotype: Math.max(MIN_ELEMENTS, Math.floor(relationships / 10)),
    CommentThread: perElement(1 / 20, 60),
    Comment: perElement(1 / 5, 150),
    CommentMention: perElement(1 / 20, 40),
    Notification: perElement(1 / 4, 128),
    ChangeRequest: perElement(1 / 100, 50),
    SystemSetting: AWKWARD_TEXTS.length + 12,
    ChatMessage: perElement(1 / 10, 80),
  }
}
