import { comments } from './tables/comments.ts'
import { bookkeeping, configuration } from './tables/configuration.ts'
import { elements } from './tables/elements.ts'
import { iam } from './tables/iam.ts'
import { messages } from './tables/messages.ts'
import { metamodel } from './tables/metamodel.ts'
import { packages } from './tables/packages.ts'
import { stereotypes } from './tables/stereotypes.ts'
import { views } from './tables/views.ts'
import type { TableRows } from './world.ts'

/** Every table of the monolith in the order in which its rows are stored: what is referred to comes first. */
export const MONOLITH_TABLES: readonly TableRows[] = [
  ...bookkeeping,
  ...iam,
  ...metamodel,
  ...configuration,
  ...packages,
  ...elements,
  ...views,
  ...stereotypes,
  ...comments,
  ...messages,
]
