import type { ContractSet } from '../../contracts/language/contract-set.ts'

/** What is copied: a source database that all take the same tables from. */
export interface Scenario {
  readonly name: 'element' | 'mixed'
  /** As people read it. */
  readonly title: string
  readonly set: ContractSet
  /** The module of this folder whose default export is `set`. */
  readonly contracts: 'element-contract' | 'mixed-contract'
  /** The service whose rebuilding from the log is measured. */
  readonly replayed: string
  /** Fills an empty database, keys and statistics included. */
  readonly fill: (url: string) => Promise<SourceSize>
}

export interface SourceSize {
  readonly rows: number
  /** The rows as COPY's text. */
  readonly copyBytes: number
}
