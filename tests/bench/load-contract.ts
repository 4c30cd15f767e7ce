import { contractSet } from '../../contracts/language/contract-set.ts'
import { service } from '../../contracts/language/entity.ts'
import { Element } from './element-contract.ts'

/** `Element` in a monolith that also serves pgbench, whose tables stay behind. */
export default contractSet('bench_load', {
  services: { element: service({ Element }) },
  leftBehind: ['pgbench_accounts', 'pgbench_branches', 'pgbench_history', 'pgbench_tellers'],
})
