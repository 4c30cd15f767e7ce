import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import { nearestName } from './nearest-name.ts'

export interface ServiceChoice {
  readonly services: readonly Service[]
  readonly mistakes: readonly string[]
}

/** The services of a set that are meant, each once and in the order of the set, whatever the order of the names. */
export function chooseServices(set: ContractSet, names: 'all' | readonly string[]): ServiceChoice {
  if (names === 'all') return { services: set.services, mistakes: [] }
  const known = set.services.map(({ name }) => name)
  const unknown = [...new Set(names)].filter((name) => !known.includes(name))
  return {
    services: set.services.filter(({ name }) => names.includes(name)),
    mistakes: unknown.map((name) => unknownService(set.name, name, known)),
  }
}

function unknownService(set: string, name: string, known: readonly string[]): string {
  const near = nearestName(name, known)
  const question = near === null ? '' : `; did you mean ${near}?`
  return `There is no service ${name}: the contract set ${set} has ${known.join(', ')}${question === '' ? '.' : question}`
}
