import { contractSet } from '../../contracts/language/contract-set.ts'
import { keysAndLinks } from './keys-and-links-service.ts'
import { structures } from './structures-service.ts'
import { user } from './user-service.ts'
import { values } from './values-service.ts'

/**
 * A second contract set, of a monolith that nobody would want: every type, name and key that breaks such pipelines.
 * `createHostileMonolith` makes that monolith.
 */
export default contractSet('hostile', {
  services: { values, structures, user, keys_and_links_of_31_characters: keysAndLinks },
  leftBehind: ['elsewhere.left over', '_migrations', 'public.session_cache'],
})
