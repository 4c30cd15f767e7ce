import type { ConfigurationRequest } from '../configuration/given-values.ts'
import type { World } from './terminal.ts'

/** @param configFile what `--config` names; where commander has not read the flags yet, they are looked at themselves. */
export function requestOf(world: World, configFile = configFlag(world.arguments)): ConfigurationRequest {
  const { environment, folder, defaultContracts } = world
  return { environment, folder, configFile: configFile ?? null, defaultContracts }
}

function configFlag(given: readonly string[]): string | undefined {
  const index = given.indexOf('--config')
  return index < 0 ? given.find((word) => word.startsWith('--config='))?.slice('--config='.length) : given[index + 1]
}
