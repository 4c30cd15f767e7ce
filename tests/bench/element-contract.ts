import { modeling } from '../../contracts/archimodeler/modeling.ts'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'

/** `Element` by itself: the columns and the key that ArchiModeler's contract gives it, without what it refers to. */
export const Element = entity(modeling.Element.columns, { key: modeling.Element.rules.key })

export default contractSet('bench_element', { services: { element: service({ Element }) } })
