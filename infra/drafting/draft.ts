import type { ReferentialAction } from '../../contracts/language/entity.ts'
import type { Finding } from '../preflight/finding.ts'
import type { OwnType } from './monolith-facts.ts'

/** A contract set before it is written: names are resolved, and nothing depends on how it is printed. */
export interface Draft {
  readonly name: string
  readonly services: readonly DraftService[]
  readonly leftBehind: readonly LeftTable[]
  /** What will hurt, and what is worth knowing. */
  readonly findings: readonly Finding[]
}

export interface LeftTable {
  /** As a contract set's `leftBehind` has it. */
  readonly name: string
  /** A clause: why no contract claims it. */
  readonly reason: string
}

export interface DraftService {
  readonly name: string
  /** Referred entities come before those that refer to them, where no circle forbids it. */
  readonly entities: readonly DraftEntity[]
  /** What SQL can say of its tables and a contract cannot; '' where there is nothing. */
  readonly cutoverSql: string
}

export interface DraftEntity {
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly columns: readonly DraftColumn[]
  readonly key: DraftKey
  readonly unique: readonly DraftIndex[]
  readonly indexes: readonly DraftIndex[]
  readonly references: readonly DraftReference[]
  readonly crossReferences: readonly DraftCrossReference[]
}

export interface DraftKey {
  readonly on: readonly string[]
  readonly as: 'primary key' | 'unique index'
  readonly name: string
}

export interface DraftIndex {
  readonly name: string
  readonly on: readonly string[]
}

export interface DraftReference {
  readonly name: string
  readonly on: readonly string[]
  /** The entity's name, in the same service. */
  readonly to: string
  /** Empty where the referred entity's key is meant. */
  readonly toColumns: readonly string[]
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
}

export interface DraftCrossReference {
  readonly on: readonly string[]
  /** `service.Entity`. */
  readonly to: string
  readonly toColumns: readonly string[]
  readonly onDelete: ReferentialAction
}

export interface DraftColumn {
  readonly name: string
  /** As `format_type` prints it under an empty search path. */
  readonly type: string
  readonly isArray: boolean
  /** The type itself, or the element's, where it is not PostgreSQL's own; and what else the default needs. */
  readonly ownType: OwnType | null
  readonly alsoNeeds: readonly OwnType[]
  readonly nullable: boolean
  readonly default: string | null
  readonly generated: string | null
  readonly identity: 'ALWAYS' | 'BY DEFAULT' | null
  readonly isSecret: boolean
  readonly note: string | null
}
