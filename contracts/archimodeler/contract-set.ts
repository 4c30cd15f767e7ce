import { contractSet } from '../language/contract-set.ts'
import { chat } from './chat.ts'
import { comments } from './comments.ts'
import { connectors } from './connectors.ts'
import { iam } from './iam.ts'
import { metamodel } from './metamodel.ts'
import { modeling } from './modeling.ts'
import { notifications } from './notifications.ts'
import { settings } from './settings.ts'
import { stereotypes } from './stereotypes.ts'
import { workflow } from './workflow.ts'

/** ArchiModeler's monolith: ten services, in the order in which they are migrated. */
export default contractSet('archimodeler', {
  services: {
    iam,
    modeling,
    comments,
    notifications,
    workflow,
    stereotypes,
    connectors,
    settings,
    metamodel,
    chat,
  },
  leftBehind: ['_prisma_migrations'],
})
