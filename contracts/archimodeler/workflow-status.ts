import { enumeration } from '../language/types.ts'

/** Used by modeling and by workflow: each service's database gets its own copy of the type. */
export const workflowStatus = enumeration('WorkflowStatus', ['DRAFT', 'IN_REVIEW', 'APPROVED', 'PUBLISHED', 'ARCHIVED'])
