/** What a verification tells whoever watches it: facts, in the past tense, with nothing to decide. */
export type VerifyEvent =
  | { readonly type: 'service-begun'; readonly service: string; readonly tables: number; readonly rows: number }
  | {
      readonly type: 'table-read'
      readonly service: string
      readonly entity: string
      readonly rows: number
      readonly equal: boolean
    }
  /** Rows of the log come into a temporary table, so that the ones that differ can be named. */
  | {
      readonly type: 'log-rows-read'
      readonly service: string
      readonly entity: string
      readonly pages: number
      readonly ofPages: number
    }
  | {
      readonly type: 'service-verified'
      readonly service: string
      readonly verified: boolean
      readonly seconds: number
    }
  | { readonly type: 'references-counted'; readonly references: number; readonly ofReferences: number }
