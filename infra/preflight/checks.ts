import {
  accountHasRoom,
  payloadIsLargeEnough,
  replicasArePossible,
  streamsAreSafe,
  subjectsAreFree,
} from './check-log.ts'
import {
  monolithMatchesContract,
  rowsAreVisible,
  tablesAreClaimed,
  tablesAreOrdinary,
} from './check-monolith-tables.ts'
import {
  monolithCanBePrepared,
  monolithCanBeRead,
  roleMayReplicate,
  servicesCanBePrepared,
} from './check-privileges.ts'
import {
  prefixIsOurs,
  publicationIsOurs,
  slotIsFree,
  slotNameIsOurs,
  walLevelIsLogical,
  walSenderIsFree,
} from './check-replication.ts'
import { databasesAreSeparate, encodingsAreUtf8, serversTakeWrites } from './check-servers.ts'
import {
  databasesAreOurs,
  loadedTablesExist,
  serviceTablesMatchContract,
  serviceTypesMatchContract,
  tablesAreEmpty,
} from './check-service-databases.ts'
import type { Check } from './context.ts'

/** Every check, in the order in which their findings are shown. */
export const CHECKS: readonly Check[] = [
  serversTakeWrites,
  encodingsAreUtf8,
  databasesAreSeparate,
  walLevelIsLogical,
  slotIsFree,
  walSenderIsFree,
  slotNameIsOurs,
  publicationIsOurs,
  prefixIsOurs,
  roleMayReplicate,
  monolithCanBeRead,
  monolithCanBePrepared,
  servicesCanBePrepared,
  tablesAreClaimed,
  monolithMatchesContract,
  tablesAreOrdinary,
  rowsAreVisible,
  databasesAreOurs,
  loadedTablesExist,
  tablesAreEmpty,
  serviceTypesMatchContract,
  serviceTablesMatchContract,
  payloadIsLargeEnough,
  streamsAreSafe,
  subjectsAreFree,
  replicasArePossible,
  accountHasRoom,
]
